/** @file Runs of a sweep that begin with files of others. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { Cell } from '../../src/sweep/cell.ts'
import { pool } from '../../src/sweep/pool.ts'
import { type CellEvent, Tracker } from '../../src/sweep/tracker.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'

const recipe = checkRecipe(tiny, 'tiny')
const cell = (name: string, ...after: string[]): Cell => ({ name, values: { job: name }, recipe, after })

it('come after these, whatever the order, and are left out where these have no result', async () => {
  const out = temporaryFolder()
  // In the place of espalier: a run that ends as its name says, and leaves what a finished run does.
  const program = join(out, 'program.mjs')
  writeFileSync(
    program,
    `import { mkdirSync, writeFileSync } from 'node:fs'
    const folder = process.argv[process.argv.indexOf('--out') + 1]
    if (folder.endsWith('broken')) { console.error('no good'); process.exit(1) }
    mkdirSync(folder, { recursive: true })
    for (const file of ['recipe.yaml', 'report.md']) writeFileSync(folder + '/' + file, '')
    writeFileSync(folder + '/metrics.jsonl', JSON.stringify({ type: 'final', final: { accuracy: 1 } }) + '\\n')`,
  )
  const events: CellEvent[] = []
  const tracker = new Tracker(out, new Map(), (event) => events.push(event))
  const cells = [
    cell('last', 'second', 'first'),
    cell('second', 'first'),
    cell('never', 'broken'),
    cell('broken'),
    cell('first'),
  ]
  const run = pool({ jobs: 2, threads: 1, command: [program] })
  await run(cells, { out, tracker, signal: new AbortController().signal })
  expect([...tracker.results.keys()]).toEqual(['first', 'second', 'last'])
  expect(events.filter(({ type }) => type === 'start').map((event) => event.cell.name)).not.toContain('never')
  expect([...tracker.failed]).toEqual([
    ['broken', 'no good'],
    ['never', 'begins with files of broken, without a result'],
  ])
  const failures = jsonLines(readFileSync(join(out, 'failures.jsonl'), 'utf8'))
  expect(failures.map(({ run }) => run)).toEqual(['broken', 'broken', 'broken', 'never'])
})
