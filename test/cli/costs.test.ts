import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { costsText, costsUsed } from '../../src/calibrate/cost-file.ts'
import { tiny, writeTiny } from '../experiment/tiny.ts'
import { tableOf } from '../support/cost-table.ts'
import { best } from '../support/engines.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** Tables by which sparse kernels cost nothing, or too much. */
const [cheap, dear] = [tableOf(1, 1e-6, 8, 'cheap'), tableOf(1, 1e6, 8, 'dear')]

/** Both as files in a folder. */
function written(): { folder: string; cheapFile: string; dearFile: string } {
  const folder = temporaryFolder()
  const [cheapFile, dearFile] = ['cheap.json', 'dear.json'].map((name) => join(folder, name))
  writeFileSync(cheapFile, costsText(cheap))
  writeFileSync(dearFile, costsText(dear))
  return { folder, cheapFile, dearFile }
}

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await espalier(['run', ...args, '--json'])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return jsonLines(stdout)
}

it('run --costs chooses kernels by a file, and says so in the folder of the run', async () => {
  const { folder, cheapFile, dearFile } = written()
  const recipe = writeTiny(folder)
  const kernels = async (file: string, out: string) => {
    const events = await run(recipe, '--costs', file, '--out', join(folder, out))
    const { result } = events.at(-1) as { result: { kernels: { sparse: boolean }[]; costs: unknown } }
    const environment = JSON.parse(readFileSync(join(folder, out, 'environment.json'), 'utf8'))
    expect(result.costs).toEqual(environment.costs)
    return { costs: result.costs, sparse: result.kernels.map(({ sparse }) => sparse) }
  }
  expect(await kernels(cheapFile, 'a')).toEqual({ costs: costsUsed(cheap), sparse: [true, true, true] })
  expect(await kernels(dearFile, 'b')).toEqual({ costs: costsUsed(dear), sparse: [false, false, false] })
  const report = readFileSync(join(folder, 'a/report.md'), 'utf8')
  expect(report).toContain('Factors are those of the table of costs cheap, not of this run.')
  expect(readFileSync(join(folder, 'a/recipe.yaml'), 'utf8')).toContain(`costs: ${cheapFile}`)
}, 60_000)

it('a run that goes on with another table says so, with another file is refused', async () => {
  const { folder, cheapFile, dearFile } = written()
  const recipe = writeTiny(folder, { train: { ...tiny.train, costs: cheapFile } })
  const out = join(folder, 'out')
  const begun = await run(recipe, '--until-pruning', '--out', out)
  expect(begun.at(-1)).toMatchObject({ type: 'interrupted' })
  const refused = await espalier(['run', recipe, '--costs', dearFile, '--resume', '--out', out])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('differs from the recipe given') })

  writeFileSync(cheapFile, costsText(dear))
  const events = await run(recipe, '--resume', '--out', out)
  const [cheapText, dearText] = [cheap, dear].map((table) => `${table.name} (${costsUsed(table).digest})`)
  expect(events).toContainEqual({
    type: 'notice',
    text: `this run began with the costs ${cheapText} and goes on with ${dearText}: its numbers may differ in their last bits from an uninterrupted run`,
  })
}, 60_000)

it('a run without --costs goes by the table of the instruction set, and resumes with it in silence', async () => {
  const folder = temporaryFolder()
  const recipe = writeTiny(folder)
  const out = join(folder, 'out')
  await run(recipe, '--until-pruning', '--out', out)
  const environment = JSON.parse(readFileSync(join(out, 'environment.json'), 'utf8'))
  expect(environment.costs.name).toContain(best.instructionSet)
  const events = await run(recipe, '--resume', '--out', out)
  expect(events.filter(({ type }) => type === 'notice')).toEqual([])
}, 60_000)

it('bench and eval take --costs', async () => {
  const { folder, cheapFile, dearFile } = written()
  const out = join(folder, 'out')
  await run(writeTiny(folder), '--out', out)
  for (const [file, table, layers] of [
    [cheapFile, cheap, 3],
    [dearFile, dear, 0],
  ] as const) {
    const bench = await espalier(['bench', out, '--rounds', '1', '--batch', '8', '--costs', file, '--json'])
    const { costs, results } = JSON.parse(bench.stdout)
    expect(costs).toEqual(costsUsed(table))
    expect(results.find(({ kernels }: { kernels: string }) => kernels === 'auto').sparse).toHaveLength(layers)
    const evaluated = await espalier(['eval', out, '--dataset', 'synthetic', '--costs', file, '--json'])
    expect(JSON.parse(evaluated.stdout).costs).toEqual(costsUsed(table))
  }
}, 60_000)

it.each<[string, (files: ReturnType<typeof written>) => string[], RegExp]>([
  [
    'kernels that no table chooses',
    ({ folder, cheapFile }) => ['run', writeTiny(folder), '--costs', cheapFile, '--kernels', 'dense'],
    /train\.costs: expected train\.kernels auto beside it, found dense$/,
  ],
  [
    'the same of eval',
    ({ cheapFile }) => ['eval', 'x', '--dataset', 'synthetic', '--costs', cheapFile, '--kernels', 'sparse'],
    /^espalier: --costs is for --kernels auto, found sparse$/,
  ],
  [
    'a table that is not there',
    ({ folder }) => ['run', writeTiny(folder), '--costs', join(folder, 'none.json')],
    /cannot read .*none\.json: there is no such file or folder$/,
  ],
  [
    'a recipe for a table',
    ({ folder }) => ['bench', 'x', '--costs', writeTiny(folder)],
    /tiny\.yaml is no table of costs: expected JSON as espalier calibrate writes it$/,
  ],
  [
    'a file to calibrate into that exists',
    ({ cheapFile }) => ['calibrate', '-o', cheapFile],
    /cheap\.json exists already; --force writes over it$/,
  ],
  [
    '--force of calibrate alone',
    () => ['calibrate', '--force'],
    /^espalier: --force needs -o with the file that it replaces$/,
  ],
  ['a name that fits no line', () => ['calibrate', '--name', 'a|b'], /^espalier: --name: expected up to 80 letters/],
])('%s is refused in one sentence', async (_, args, message) => {
  const { code, stderr } = await espalier(args(written()))
  expect(code).toBe(1)
  expect(stderr.trimEnd()).toMatch(message)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

it('the reference machine has no kernels to calibrate', async () => {
  const { code, stderr } = await espalier(['calibrate'], { env: { ESPALIER_ENGINE: 'reference' } })
  expect(code).toBe(1)
  expect(stderr).toMatch(/expected the engine native or wasm, found reference$/m)
})
