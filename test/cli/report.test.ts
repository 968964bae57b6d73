import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { tiny } from '../experiment/tiny.ts'
import { writeRun } from '../report/runs.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** Two sparsities, two seeds. */
function writeRuns(): string {
  const folder = temporaryFolder()
  for (const sparsity of [0.9, 0.95])
    for (const seed of [0, 1]) {
      const recipe = { seed, prune: { ...tiny.prune, sparsity } }
      writeRun(join(folder, 'runs', `${seed}-${sparsity}`), { recipe, accuracy: 0.9 + seed / 50, weights: true })
    }
  return folder
}

it('prints means and notes; rows of single runs; every run as JSON', async () => {
  const folder = writeRuns()
  const { stdout, stderr, code } = await espalier(['report', folder])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^\| magnitude \| 95 % +\| +2 \| 90\.00 ± 0\.00 \| +91\.00 ± 1\.41 \|$/m)
  expect(stdout).toMatch(/^not shown, for want of room: train loss; .*\(--format markdown has all\)$/m)
  const wide = await espalier(['report', folder], { columns: 300 })
  expect(wide.stdout).toMatch(/^\| magnitude \| 95 % +\| +2 \| 90\.00 ± 0\.00 \| .* \| +91\.00 ± 1\.41 \| .+\|$/m)
  expect(stdout).toContain('Sparsity is the share of zeros among prunable weights')
  expect(stdout).toContain('are means over the last 10 epochs, or all where there are fewer')
  const { stdout: each } = await espalier(['report', folder, '--each'])
  expect(each.split('\n').filter((line) => line.includes(join(folder, 'runs')))).toHaveLength(4)
  const runs = JSON.parse((await espalier(['report', folder, '--json'])).stdout)
  expect(runs).toHaveLength(4)
  expect(runs[0]).toMatchObject({ folder: join(folder, 'runs', '0-0.9'), averaged: 3, final: 0.9 })
})

it('writes a document with its pictures beside it', async () => {
  const folder = writeRuns()
  const out = temporaryFolder()
  const file = join(out, 'report.md')
  const { stdout, code } = await espalier(['report', folder, '-o', file, '--svg', join(out, 'pictures')])
  expect(code).toBe(0)
  expect(stdout).toContain(`written: ${file}, ${join(out, 'pictures', 'accuracy.svg')}`)
  const links = [...readFileSync(file, 'utf8').matchAll(/!\[.*\]\((.*)\)/g)].map(([, link]) => link)
  expect(links).toEqual(
    ['accuracy', 'training', 'layers', 'weights', 'masks', 'cost'].map((name) => `pictures/${name}.svg`),
  )
  for (const link of links) {
    const svg = readFileSync(join(out, link), 'utf8')
    expect(svg).toMatch(/^<svg [^>]*><style>@media\(prefers-color-scheme:dark\)/)
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  }
})

it('the format is what --format says, or the end of the name', async () => {
  const folder = writeRuns()
  const [csv, latex] = await Promise.all(
    ['csv', 'latex'].map(async (format) => (await espalier(['report', folder, '--format', format])).stdout),
  )
  expect(csv).toMatch(/^method,asked for,runs,/)
  expect(latex).toContain('\\begin{tabular}')
  const file = join(temporaryFolder(), 'table.tex')
  await espalier(['report', folder, '-o', file])
  expect(readFileSync(file, 'utf8')).toBe(latex)
})

it('writes over no file unless it is told to', async () => {
  const folder = writeRuns()
  const out = temporaryFolder()
  const [file, picture] = [join(out, 'report.md'), join(out, 'layers.svg')]
  const write = (...flags: string[]) => espalier(['report', folder, '-o', file, '--svg', out, ...flags])
  writeFileSync(file, 'mine')
  expect(await write()).toMatchObject({ code: 1, stderr: `espalier: ${file} exists already; --force writes over it\n` })
  expect([readdirSync(out), readFileSync(file, 'utf8')]).toEqual([['report.md'], 'mine'])
  rmSync(file)
  writeFileSync(picture, 'mine')
  expect((await write()).stderr).toBe(`espalier: ${picture} exists already; --force writes over it\n`)
  expect([readdirSync(out), readFileSync(picture, 'utf8')]).toEqual([['layers.svg'], 'mine'])
  expect((await write('--force')).code).toBe(0)
  expect(readFileSync(picture, 'utf8')).toMatch(/^<svg /)
  expect((await write('--force')).code).toBe(0)
  expect((await espalier(['report', folder, '--force'])).stderr).toBe('espalier: --force needs -o or --svg\n')
})

it('refuses what it cannot read or write, in a sentence', async () => {
  const folder = temporaryFolder()
  const refused = async (args: string[]) => {
    const { code, stderr, stdout } = await espalier(['report', ...args])
    expect([code, stdout]).toEqual([1, ''])
    return stderr
  }
  expect(await refused([folder])).toBe(`espalier: ${folder} holds no run: there is no metrics.jsonl in it or below\n`)
  const file = join(folder, 'report.pdf')
  expect(await refused([folder, '-o', file])).toBe(
    `espalier: -o ${file}: expected a name that ends in .md, .csv, .tex, .html, or --format beside it\n`,
  )
  expect(existsSync(file)).toBe(false)
  const table = join(folder, 'table.csv')
  expect(await refused([folder, '-o', table, '--format', 'html'])).toBe(
    `espalier: -o ${table}: expected a name for --format html, found one for csv\n`,
  )
  writeFileSync(join(folder, 'notes.txt'), '')
  expect(await refused([join(folder, 'notes.txt')])).toBe(
    `espalier: ${join(folder, 'notes.txt')}: expected a run folder, found a file\n`,
  )
  writeRun(join(folder, 'run'), { accuracy: 0.9 })
  writeFileSync(join(folder, 'run', 'recipe.yaml'), 'name: tiny\nnetwork: mlpnet\n')
  expect(await refused([folder])).toMatch(/^espalier: .*run\/recipe\.yaml: .*\n$/)
  writeRun(join(folder, 'run'), { accuracy: 0.9, weights: true })
  writeFileSync(join(folder, 'run', 'model.safetensors'), 'damaged')
  expect(await refused([folder, '--format', 'html'])).toMatch(
    /^espalier: .*run\/model\.safetensors is not a valid safetensors file: .*\n$/,
  )
  const sweep = join(folder, 'sweep.yaml')
  writeFileSync(sweep, 'name: [')
  expect(await refused([folder])).toMatch(/^espalier: .*sweep\.yaml is not valid YAML/)
  writeFileSync(sweep, `${'a: &a [1]\nb: &b ['}${'*a,'.repeat(200)}]`)
  expect(await refused([folder])).toBe(
    `espalier: ${sweep} is not valid YAML: Excessive alias count indicates a resource exhaustion attack\n`,
  )
  writeFileSync(sweep, 'summary: none')
  expect(await refused([folder])).toBe(`espalier: ${sweep}: name: expected a value of type string, found nothing\n`)
})

it.each([
  ['null', 'record: expected a value of type object, found null'],
  ['3', 'record: expected a value of type object, found 3'],
  ['"epoch"', 'record: expected a value of type object, found "epoch"'],
  ['[]', 'record: expected a value of type object, found a list'],
  ['{"epoch":1}', 'type: expected a value of type string, found nothing'],
  ['{"type":1}', 'type: expected a value of type string, found 1'],
  ['{"type":"final"}', 'final: expected a value of type object, found nothing'],
  ['{"type":"final","final":{}}', 'final.accuracy: expected a value of type number, found nothing'],
  [`"\u0007${'x'.repeat(99)}`, `expected JSON, found "\\u0007${'x'.repeat(52)}…`],
])('a line of metrics that is no record is named with its file: %s', async (line, problem) => {
  const folder = temporaryFolder()
  writeRun(folder, { accuracy: 0.9 })
  const file = join(folder, 'metrics.jsonl')
  writeFileSync(file, `${line}\n${readFileSync(file, 'utf8')}`)
  const { code, stderr } = await espalier(['report', folder])
  expect([code, stderr]).toEqual([1, `espalier: ${file}: line 1: ${problem}\n`])
})
