/** @file espalier prune --compare over sparsities: each cell as for one sparsity, and who was starved. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { espalier, jsonLines } from './cli.ts'
import { writeTrained } from './trained.ts'

let folder: string
let file: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  file = join(folder, 'mlp.safetensors')
  await writeTrained(file, 2)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (flags: string) => espalier(['prune', file, '--data', 'synthetic', '--polish', '0', ...flags.split(' ')])

interface Row {
  method: string
  asked: number
  failed?: string
  accuracy: number
  loss: number
  kept: number
  milliseconds: number
  gradients: number
  images: number
  warnings: string[]
}
interface Said {
  results: Row[]
  front: { method: string; asked: number }[]
  warnings: string[]
  dense: { accuracy: number; milliseconds: number }
}

async function json(flags: string): Promise<Said> {
  const { code, stdout, stderr } = await run(`${flags} --json`)
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0] as unknown as Said
}

it('says at each sparsity what a comparison at that one says', async () => {
  const flags = '--compare magnitude,woodfisher,obc --samples 200 --stages 1'
  const { results, front, dense } = await json(`${flags} --sparsity 0.5,0.9`)
  expect(results.map(({ method, asked }) => [method, asked])).toEqual(
    [0.5, 0.9].flatMap((asked) => ['magnitude', 'woodfisher', 'obc'].map((method) => [method, asked])),
  )
  for (const asked of [0.5, 0.9]) {
    const alone = await json(`${flags} --sparsity ${asked}`)
    for (const row of alone.results) {
      const { accuracy, loss, kept, gradients, images } = row
      expect(results.find((one) => one.asked === asked && one.method === row.method)).toMatchObject({
        accuracy,
        loss,
        kept,
        gradients,
        images,
      })
    }
  }
  // The fastest is on the front, and so is the best.
  const all = results.toSorted((a, b) => a.milliseconds - b.milliseconds)
  if (all[0].milliseconds < dense.milliseconds)
    expect(front).toContainEqual({ method: all[0].method, asked: all[0].asked })
})

it('shows tables, draws curves and writes nothing else', async () => {
  const picture = join(folder, 'curves.svg')
  const { code, stdout } = await run(`--compare magnitude,random --sparsity 0.5,0.95 --picture ${picture}`)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\| test accuracy +\| +50 % \| +95 % \|$/m)
  expect(stdout).toMatch(/^\| multiply-adds +\| +50 % \| +95 % \|\n.*\n\| magnitude +\| 16,180 \| +1,618 \|$/m)
  expect(stdout).toMatch(/^\| budget +\| images \| gradients \| time \| new statistics \| polished \|$/m)
  expect(stdout).toMatch(/^magnitude at 50 %: test accuracy .* ms, .*; 1 of 4, .* left$/m)
  const svg = readFileSync(picture, 'utf8')
  for (const text of ['magnitude', 'random', 'Over sparsity', 'Over latency', 'dense', '95 %'])
    expect(svg).toContain(`>${text}<`)
})

describe('a method is starved', () => {
  it.each([
    ['of places', 'sparsegpt', '--samples 60', '--samples 790', /^fc1\.weight has \d+ inputs .* sees 60 places/],
    ['of gradients', 'woodfisher', '--samples 10 --stages 1', '--samples 400 --stages 1', /^10 gradients say little/],
    [
      'of gradients',
      'kfac',
      '--samples 30 --stages 1',
      '--samples 790 --stages 1',
      /^30 gradients are fewer than the 784 rows/,
    ],
    [
      'of damping',
      'cbs-update',
      '--samples 700 --stages 1 --scale 1 --no-first-order --damp 1e-14',
      '--samples 700 --stages 1 --scale 1 --no-first-order --damp 1e-3',
      /^the update raised the held-out loss; try a larger --damp than 1e-14/,
    ],
  ])('%s: %s %s, and not with %s', async (_, method, starved, fed, sentence) => {
    const of = async (flags: string) => (await json(`--compare ${method} --sparsity 0.96,0.98 ${flags}`)).results
    for (const { warnings } of await of(starved)) expect(warnings).toContainEqual(expect.stringMatching(sentence))
    for (const { warnings } of await of(fed)) expect(warnings).not.toContainEqual(expect.stringMatching(sentence))
  })

  it('where its system cannot be solved it has failed, and the others go on', async () => {
    const { results, warnings, front } = await json(
      '--compare obc,magnitude --sparsity 0.5,0.9 --samples 20 --damp 1e-30 --refresh-bn none',
    )
    expect(results.map(({ method, failed }) => [method, failed === undefined])).toEqual([
      ['obc', false],
      ['magnitude', true],
      ['obc', false],
      ['magnitude', true],
    ])
    expect(results[0].failed).toMatch(/fc1\.weight: a matrix of order 784 is not positive definite/)
    expect(warnings).toContainEqual(expect.stringMatching(/^warning: obc at 50 %, 90 %: failed: fc1\.weight/))
    expect(front.every(({ method }) => method === 'magnitude')).toBe(true)
  })
})

it.each([
  ['--compare magnitude,random --sparsity 0.9,0.5', '--sparsity: expected ascending sparsities above 0, found 0.9,0.5'],
  ['--compare magnitude,random --sparsity 0.5,x', '--sparsity: expected the share of zeros'],
  ['--compare magnitude,random --sparsity 0.5,1', '--sparsity: expected the share of zeros'],
  ['--compare magnitude --sparsity 0.5,', '--sparsity: expected the share of zeros'],
  ['--compare obc,random,obc --sparsity 0.5,0.9', '--compare: expected every method once, found obc twice'],
  [
    '--compare magnitude --sparsity 0.5,0.9 --picture a.png',
    '--picture: expected a name that ends in .svg, found a.png',
  ],
  ['--compare magnitude --sparsity 0.5,0.9 --picture no/a.svg', 'cannot write no/a.svg: '],
  ['--compare magnitude --sparsity 0.5 --picture a.svg', '--picture: expected several sparsities'],
  ['--method magnitude --sparsity 0.5 --picture a.svg -o b.safetensors', '--picture is for --compare'],
  ['--compare obc --sparsity 0.5,0.9 --samples 99999', '--samples: expected no more than the'],
])('%s is one sentence', async (flags, sentence) => {
  const { code, stdout, stderr } = await run(flags)
  expect([code, stdout, existsSync('a.svg')]).toEqual([1, '', false])
  expect(stderr).toContain(`espalier: ${sentence}`)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})
