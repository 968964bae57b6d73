/** @file The documents are true: their links lead somewhere, their commands exist, their examples run. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { compiled, espalier, root } from './cli/cli.ts'
import { blocks, commands, documents, read } from './documents.ts'
import { mnistEnvironment } from './support/mnist.ts'

beforeAll(compiled, 120_000)

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

it.each(documents)('every link of %s leads to a file and to one of its headings', (document) => {
  const text = read(document).replace(/^```.*?^```$/gms, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
    ([, link, image]) => link ?? image,
  )
  for (const target of targets.filter((target) => !/^[a-z]+:/.test(target))) {
    const [path, anchor] = target.split('#')
    const file = path === '' ? document : join(dirname(document), decodeURI(path))
    expect(existsSync(join(root, file)), `${document}: ${target}`).toBe(true)
    if (anchor) expect(anchorsOf(read(file)), `${document}: ${target}`).toContain(anchor)
  }
})

it('every file of the project that a document names is there', () => {
  for (const document of documents)
    for (const [name] of read(document).matchAll(/\b(?:src|recipes|test|bench|scripts)\/[\w./-]+\.(?:ts|mjs|yaml)\b/g))
      expect(existsSync(join(root, name)), `${document}: ${name}`).toBe(true)
})

it('every command of the documents exists, with all of its flags', async () => {
  const used = documents.flatMap((document) => commands(read(document)).map((args) => ({ document, args })))
  expect(used.length).toBeGreaterThan(20)
  const helps = new Map<string, string>()
  for (const { document, args } of used) {
    const [name] = args
    if (!helps.has(name)) helps.set(name, (await espalier([name, '--help'])).stdout)
    expect(helps.get(name), `${document}: espalier ${name}`).toMatch(new RegExp(`^Usage: espalier ${name}\\b`))
    const flags = args.filter((arg) => /^-/.test(arg))
    for (const flag of flags)
      expect(helps.get(name), `${document}: espalier ${args.join(' ')}`).toMatch(
        new RegExp(`^ +(-\\w, )?${flag}\\b`, 'm'),
      )
  }
}, 120_000)

it('the examples of the library guide run, one after the other', async () => {
  const folder = mkdtempSync(join(root, 'build', 'guide-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const code = blocks(read('docs/guide-library.md'), 'js')
  writeFileSync(join(folder, 'guide.mjs'), code.join('\n'))
  const options = { cwd: folder, env: mnistEnvironment() }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['guide.mjs'], options)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^90\.0 % zeros, 0 layers emptied$/m)
  expect(stdout).toMatch(/^10 logits/m)
  expect(stdout).toMatch(/^expected a sparsity from 0 to 1, found 1\.5$/m)
}, 120_000)

it('the methods that CONTRIBUTING.md shows are those of the code', () => {
  const shown = blocks(read('CONTRIBUTING.md'), 'ts')
  expect(shown.length).toBeGreaterThan(2)
  for (const code of shown) {
    const [, name] = /^export (?:const|function) (\w+)/m.exec(code)!
    const places = ['saliency', 'rewiring'].map((family) => `src/methods/${family}/${name}.ts`)
    const place = places.find((path) => existsSync(join(root, path)))
    expect(place, name).toBeDefined()
    expect(read(place!)).toContain(code.slice(code.indexOf('export ')))
  }
})
