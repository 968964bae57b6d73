/**
 * @file What imports what in src, types included: no circles, and layers as docs/architecture.md lists them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { beforeAll, expect, it } from 'vitest'
import { root } from './cli/cli.ts'

let modules: ICruiseResult['modules']
beforeAll(async () => {
  const { output } = await cruise(['src'], { baseDir: root, tsPreCompilationDeps: true, doNotFollow: 'node_modules' })
  if (typeof output === 'string') throw new Error(`expected a graph, found ${output}`)
  modules = output.modules
}, 120_000)

it('no modules import each other in a circle', () => {
  const circles = modules.flatMap(({ source, dependencies }) =>
    dependencies.filter(({ circular }) => circular).map(({ cycle = [] }) => [source, ...cycle.map(({ name }) => name)]),
  )
  expect(circles).toEqual([])
})

it('folders import what docs/architecture.md says, and each only those below it', () => {
  const [, listed] = readFileSync(join(root, 'docs/architecture.md'), 'utf8').match(/^```layers\n(.*?)^```$/ms)!
  const order = listed.split('\n').map((line) => line.split(' ')[0])

  const found = new Map<string, Set<string>>()
  for (const { source, dependencies } of modules) {
    const folder = folderOf(source)
    if (folder === undefined) continue
    const others = found.get(folder) ?? new Set()
    found.set(folder, others)
    for (const other of dependencies.map(({ resolved }) => folderOf(resolved)))
      if (other !== undefined && other !== folder) others.add(other)
  }
  const place = (folder: string) => (order.includes(folder) ? order.indexOf(folder) : order.length)
  const byPlace = (folders: Iterable<string>) => [...folders].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
  const lines = byPlace(found.keys()).map(
    (folder) => `${folder.padEnd(12)}${byPlace(found.get(folder)!).join(' ') || '-'}`,
  )
  // What fails here is the list that the document has to have, in an order in which all arrows point down.
  expect(listed.trimEnd().split('\n')).toEqual(lines)
  for (const [folder, others] of found)
    for (const other of others) expect(place(other), `${folder} imports ${other}`).toBeGreaterThan(place(folder))
})

/** The folder of src that a module lies in; undefined for entries, and for what is no module of ours. */
const folderOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1]
