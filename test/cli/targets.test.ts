/** @file espalier sensitivity, and prune with targets, on a small network. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CompactReport } from '../../src/formats/onnx/compact-model.ts'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'
import { writeTrained } from './trained.ts'

let folder: string
let file: string
const cache = process.env.ESPALIER_CACHE

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  file = join(folder, 'mlp.safetensors')
  process.env.ESPALIER_CACHE = join(folder, 'cache')
  await writeTrained(file, 2)
}, 120_000)
afterAll(() => {
  if (cache === undefined) delete process.env.ESPALIER_CACHE
  else process.env.ESPALIER_CACHE = cache
  rmSync(folder, { recursive: true, force: true })
})

const run = (command: string, flags: string, ...rest: string[]) =>
  espalier([command, file, '--data', 'synthetic', ...flags.split(' ').filter(Boolean), ...rest])

interface LevelSaid {
  sparsity: number
  kept: number
  loss: number
  accuracy: number
}

/** What both commands say, as far as it is looked at. */
interface Said {
  groups: { name: string; channels: number; size: number; levels: LevelSaid[] }[]
  stay: { tensor: string; reason: string }[]
  tensors: { name: string; size: number; levels: LevelSaid[] }[]
  before: { multiplyAdds: number; bytes: number; milliseconds: number }
  after: Said['before']
  target: { stored?: string; warning?: string }
  sparsity: number
  sparsities: Record<string, number>
  prunable: { kept: number }
  pruned: { loss: number; accuracy: number }
  dense: { accuracy: number }
  final: { accuracy: number }
  bytes: number
  /** Of whole channels. */
  channels: Record<string, number>
  proxy: { checks: { tensor: string; sparsity: number; measured: number }[] }
  reconstructed: { before: number; after: number }
  compact: CompactReport
  layers: { name: string; size: number; kept: number }[]
}

async function json(command: string, flags: string, ...rest: string[]) {
  const { code, stdout, stderr } = await run(command, `${flags} --json`, ...rest)
  // A busy machine shows progress after two seconds.
  expect([code, stderr.replace(/^.* left, .*\n/gm, '')]).toEqual([0, ''])
  return jsonLines(stdout)[0] as unknown as Said
}

describe('sensitivity', () => {
  it('says of each tensor what prune says of the same tensor pruned alone', async () => {
    const flags = '--test --levels 0.5,0.95 --runtime none --method magnitude'
    const { tensors } = await json('sensitivity', flags)
    expect(tensors.map(({ name, size }) => [name, size])).toEqual([
      ['fc1.weight', 31360],
      ['fc2.weight', 800],
      ['fc3.weight', 200],
    ])
    for (const { name, levels } of tensors) {
      expect(levels.map(({ sparsity }) => sparsity)).toEqual([0, 0.5, 0.95])
      const out = join(temporaryFolder(), 'out.safetensors')
      const alone = `--method magnitude --sparsity 0.95 --include ${name} --refresh-bn none -o ${out}`
      const { pruned, prunable } = await json('prune', alone)
      expect(levels[2].loss).toBeCloseTo(pruned.loss, 6)
      expect([levels[2].accuracy, levels[2].kept]).toEqual([pruned.accuracy, prunable.kept])
    }
  })

  it('shows tables and writes a picture, with times on a machine', async () => {
    const picture = join(temporaryFolder(), 'levels.svg')
    const { code, stdout } = await run('sensitivity', '--levels 0.5,0.9 --judges 80 --threads 1 --picture', picture)
    expect(code).toBe(0)
    expect(stdout).toMatch(/\n\| tensor +\| weights \| +50 % \| +90 % \|\n/)
    expect(stdout).toMatch(/\n\| time +\| dense \| +50 % \| +90 % \|\n/)
    expect(stdout).toMatch(/losses are what the loss of 80 training samples, \d+\.\d{4} as it is, grows by/)
    expect(readFileSync(picture, 'utf8')).toContain('fc2.weight')
  })

  it('estimates with --proxy, and says how far off that is', async () => {
    const flags = '--levels 0.5,0.9 --judges 100 --runtime none --proxy'
    const { tensors, proxy } = await json('sensitivity', flags)
    const measured = await json('sensitivity', flags.replace(' --proxy', ''))
    expect(proxy.checks).toHaveLength(6)
    for (const { tensor, sparsity, measured: growth } of proxy.checks) {
      const { levels } = measured.tensors.find(({ name }) => name === tensor)!
      expect(growth).toBeCloseTo(levels.find((level) => level.sparsity === sparsity)!.loss - levels[0].loss, 6)
    }
    for (const [t, { levels }] of tensors.entries())
      expect(levels.map(({ kept }) => kept)).toEqual(measured.tensors[t].levels.map(({ kept }) => kept))
    const { stdout } = await run('sensitivity', flags)
    expect(stdout).toMatch(
      /^that factor is the median of 6 levels that were really judged; the estimates of these are [\d.e-]+ to /m,
    )
    expect(stdout).toMatch(/^losses are estimates of what the loss of 100 training samples/m)
  })

  it('says of tied channels what prune says of their layers, and what stays and why', async () => {
    const flags = '--test --levels 0.3,0.8 --granularity channel --runtime none'
    const { groups, stay } = await json('sensitivity', flags)
    expect(groups.map(({ name, channels, size }) => [name, channels, size])).toEqual([
      ['fc1.weight', 40, 31360],
      ['fc2.weight', 20, 800],
    ])
    expect(stay).toEqual([{ tensor: 'fc3.weight', reason: 'its channels are outputs of the network' }])
    for (const { name, levels } of groups) {
      const out = join(temporaryFolder(), 'out.safetensors')
      const alone = `--method magnitude --sparsity 0.8 --granularity channel --include ${name} --refresh-bn none -o ${out}`
      const { pruned, prunable } = await json('prune', alone)
      expect(levels[2].loss).toBeCloseTo(pruned.loss, 6)
      expect([levels[2].accuracy, levels[2].kept]).toEqual([pruned.accuracy, prunable.kept])
      expect(levels[2].kept).toBeLessThan(levels[1].kept)
    }
    const timed = '--levels 0.5 --judges 80 --granularity channel --runtime onnxruntime --threads 1'
    const { stdout } = await run('sensitivity', timed)
    expect(stdout).toMatch(/^\| time +\| +dense \| +50 % \|$/m)
    expect(stdout).toMatch(/^times are .* without those channels on onnxruntime-node, 1 thread$/m)
    expect(stdout).toMatch(/^\| tied layers +\| channels \| weights \| +50 % \|$/m)
    expect(stdout).toMatch(/^not pruned alone: fc3\.weight, since its channels are outputs of the network$/m)
  })

  it.each([
    ['--granularity row', '--granularity: there is no row'],
    ['--granularity channel --proxy', '--proxy estimates single weights, expected none with --granularity channel'],
    ['--granularity channel --runtime tpu', '--runtime: there is no tpu'],
    ['--proxy --test', '--proxy estimates from gradients of training samples, which --test takes none of'],
    ['--granularity channel --method obc', '--granularity channel: obc prunes single weights only'],
    ['--granularity channel --include fc3.weight', '--granularity channel: no channels of mlpnet can be removed: fc3'],
    ['--levels 0.9,0.5', '--levels: expected ascending sparsities above 0, found 0.9,0.5'],
    ['--levels 0.5,1', '--levels: expected the share of zeros, at least 0 and below 1, found 1'],
    ['--judges 10 --test', '--judges is of training samples, which --test takes none of'],
    ['--runtime none --threads 2', '--threads: expected none with --runtime none'],
    ['--picture a.png', '--picture: expected a name that ends in .svg, found a.png'],
    ['--include nothing', '--include: no prunable tensor is named nothing'],
  ])('%s is one sentence', async (flags, sentence) => {
    const { code, stdout, stderr } = await run('sensitivity', flags)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`espalier: ${sentence}`)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('a target', () => {
  const prune = (flags: string, out = join(temporaryFolder(), 'out.safetensors')) => [flags, '-o', out] as const

  it('of multiply-adds is met by weights that are really gone', async () => {
    const [flags, ...rest] = prune('--method magnitude --target-flops 0.3')
    const { before, after, prunable, final, dense, sparsity, sparsities } = await json('prune', flags, ...rest)
    expect(Object.keys(sparsities)).toEqual(['fc1.weight', 'fc2.weight', 'fc3.weight'])
    expect(sparsity).toBeCloseTo(1 - prunable.kept / 32_360, 3)
    expect(after.multiplyAdds).toBeLessThanOrEqual(0.3 * before.multiplyAdds)
    // Linear layers use each weight once.
    expect(after.multiplyAdds).toBe(prunable.kept)
    const { tensors } = readSafetensors(rest[1])
    expect([...tensors.keys()]).toContain('fc1.weight:values')
    expect(final.accuracy).toBeGreaterThan(dense.accuracy - 0.1)
  })

  it('of size is that of the file, to its header', async () => {
    const [flags, ...rest] = prune('--method magnitude --target-kb 40')
    const { after, bytes } = await json('prune', flags, ...rest)
    expect(after.bytes).toBe(bytes)
    expect(after.bytes).toBeGreaterThan(25_000)
    expect(bytes).toBeLessThanOrEqual(40_000)
  })

  it('and what it may cost: the fewest multiply-adds, and no more', async () => {
    const [flags, ...rest] = prune('--method magnitude --max-drop 2 --judges 400')
    const { before, after, dense, final } = await json('prune', flags, ...rest)
    expect(after.multiplyAdds).toBeLessThan(0.7 * before.multiplyAdds)
    expect(dense.accuracy - final.accuracy).toBeLessThan(0.08)
    const [more, ...others] = prune('--method magnitude --target-flops 0.02 --max-drop 0.5 --judges 400')
    const { code, stderr } = await run('prune', more, ...others)
    expect([code, existsSync(others[1])]).toEqual([1, false])
    expect(stderr).toMatch(
      /^espalier: --max-drop 0.5: pruned to its targets the network loses [\d.]+ points on 400 training samples; nothing is written\n$/,
    )
  })

  it('of time is measured on the machine that it is for', async () => {
    const [flags, ...rest] = prune('--method magnitude --target-ms 100 --threads 1')
    const { code, stderr } = await run('prune', flags, ...rest)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^espalier: --target-ms: there is nothing to do: the network takes 0\.\d+ ms as it is\n$/)
    const [less, ...others] = prune('--method magnitude --target-ms 0.000001 --runtime wasm')
    const refused = await run('prune', less, ...others)
    expect(refused.stderr).toMatch(
      /^espalier: --target-ms: a time of 0.000001 ms cannot be met: with every tensor at its fastest level the network takes [\d.]+ ms\n$/,
    )
  })

  it.each([
    ['--method magnitude --target-ms 1 --sparsity 0.5', 'prune needs either --sparsity or a target'],
    ['--method magnitude', 'prune needs either --sparsity or a target'],
    ['--method magnitude --target-flops 1.5', '--target-flops: expected a number above 0 and at most 1, found 1.5'],
    ['--method magnitude --target-kb -1', '--target-kb: expected a number above 0, found -1'],
    ['--method magnitude --target-flops 0.4 --threads 1', '--threads is for --target-ms'],
    ['--method magnitude --target-kb 40 --scope erk', '--scope has no effect with --target-kb'],
    [
      '--method magnitude --target-flops 0.4 --sparsities fc1.weight=0.9',
      '--sparsities has no effect with --target-flops',
    ],
    [
      '--method magnitude --target-flops 0.4 --granularity row',
      '--granularity: expected weight, channel, auto, block8 or N:M such as 2:4 with --target-flops, found row',
    ],
    [
      '--method magnitude --target-flops 0.4 --granularity channel',
      '--granularity channel with --target-flops writes a smaller network: expected --out with a name that ends in .onnx',
    ],
    [
      '--method obc --target-flops 0.4 --granularity 2:4',
      '--granularity 2:4 with --target-flops is for methods that rank weights by scores',
    ],
    [
      '--method magnitude --target-ms 1 --runtime onnxruntime',
      '--runtime onnxruntime multiplies with zeros, too, so that --granularity weight saves no time there',
    ],
    [
      '--method magnitude --sparsity 0.5 --multiple-of 8',
      '--multiple-of is for --granularity channel or auto, and for --compact',
    ],
    ['--method cbs --target-kb 40', '--target-kb: cbs knows one sparsity for all tensors only'],
    ['--method magnitude --target-ms 1 --runtime wasm --threads 2', '--threads: expected none with --runtime wasm'],
    ['--method magnitude --target-ms 1 --runtime java', '--runtime: '],
    ['--method magnitude --target-flops 0.4 --stored brotli', '--stored is for --target-kb'],
    ['--method magnitude --target-kb 40 --stored zip', '--stored: '],
    [
      '--method magnitude --target-kb 40 --stored dense',
      '--stored dense: a file of all values is no smaller for zeros',
    ],
  ])('%s is one sentence', async (flags, sentence) => {
    const [given, ...rest] = prune(flags)
    const { code, stdout, stderr } = await run('prune', given, ...rest)
    expect([code, stdout, existsSync(rest[1])]).toEqual([1, '', false])
    expect(stderr).toContain(`espalier: ${sentence}`)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['--compare magnitude,random --target-kb 40', [], '--target-kb is for one --method, found --compare'],
    ['--method magnitude --target-kb 40', ['-o', 'a.onnx'], '--target-kb: ONNX files hold all values'],
    [
      '--method magnitude --target-flops 0.5 --record a.record.json',
      ['-o', 'a.safetensors'],
      '--record does not go with --target-flops, since a record is of one sparsity',
    ],
  ])('%s %j is refused before anything is measured', async (flags, rest, sentence) => {
    const given = ['prune', file, '--data', 'synthetic', ...flags.split(' '), ...rest]
    const { code, stdout, stderr } = await espalier(given, { cwd: temporaryFolder() })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`espalier: ${sentence}`)
  })

  it('of whole channels is met by the compacted file', async () => {
    const out = join(temporaryFolder(), 'out.onnx')
    const flags = '--method magnitude --granularity channel --multiple-of 4 --judges 400 --target-flops 0.5'
    const said = await json('prune', flags, '-o', out)
    const { before, after, channels, reconstructed, final, dense } = said
    expect(after.multiplyAdds).toBeLessThanOrEqual(0.5 * before.multiplyAdds)
    expect(Object.values(channels).every((count) => count % 4 === 0)).toBe(true)
    expect(said.compact.multiplications).toEqual({
      before: before.multiplyAdds,
      after: after.multiplyAdds,
    })
    // Of each layer the channels are those of the file.
    for (const [name, count] of Object.entries(channels))
      expect(said.compact.layers.find((layer) => layer.name === name)?.outputs.after).toBe(count)
    expect(said.bytes).toBe(after.bytes)
    expect(reconstructed.after).toBeLessThan(reconstructed.before)
    expect(final.accuracy).toBeGreaterThan(dense.accuracy - 0.1)
    const { code, stdout } = await espalier(['eval', out, '--data', 'synthetic', '--json'])
    expect(code).toBe(0)
    expect(jsonLines(stdout)[0]).toMatchObject({ accuracy: final.accuracy })
  })

  it('of both kinds takes zeros where they are counted, and channels where they are not', async () => {
    const out = join(temporaryFolder(), 'out.onnx')
    const flags = '--method magnitude --granularity auto --judges 400'
    const zeros = await json('prune', `${flags} --target-flops 0.1 --multiple-of 4`, '-o', out)
    for (const { outputs } of zeros.compact.layers.slice(0, -1)) expect(outputs.after % 4).toBe(0)
    expect(zeros.after.multiplyAdds).toBeLessThanOrEqual(0.1 * zeros.before.multiplyAdds)
    expect(Math.max(...Object.values(zeros.sparsities))).toBeGreaterThan(0)
    // A file of all values is no smaller for zeros.
    const whole = await json('prune', `${flags} --target-kb 80`, '-o', join(temporaryFolder(), 'out.onnx'))
    expect(whole.bytes).toBeLessThan(80_000)
    expect(Math.max(...Object.values(whole.sparsities))).toBe(0)
    expect(whole.channels['fc1.weight']).toBeLessThan(40)
  })

  it('of time in ONNX Runtime says what can be had', async () => {
    const flags = '--method magnitude --granularity channel --runtime onnxruntime --threads 1 --judges 400'
    const out = join(temporaryFolder(), 'out.onnx')
    const idle = await run('prune', `${flags} --target-ms 100`, '-o', out)
    expect(idle.stderr).toMatch(
      /^espalier: --target-ms: there is nothing to do: the network takes 0\.0\d+ ms as it is\n$/,
    )
    const least = await run('prune', `${flags} --target-ms 0.00001`, '-o', out)
    expect(least.stderr).toMatch(
      /^espalier: --target-ms: 0.0000100 ms cannot be met: with everything at its cheapest level the network takes 0\.0\d+ ms\n$/,
    )
    expect(existsSync(out)).toBe(false)
  })

  it('in a pattern gives each tensor the pattern or none', async () => {
    const [flags, ...rest] = prune('--method magnitude --granularity 2:4 --target-flops 0.6 --judges 400')
    const { sparsities, layers } = await json('prune', flags, ...rest)
    for (const { name, size, kept } of layers) expect(kept).toBe(sparsities[name] === 0 ? size : size / 2)
    expect(Object.values(sparsities)).toContain(0.5)
  })

  it('goes on without a cache where none can be written, and says so', async () => {
    const before = process.env.ESPALIER_CACHE
    process.env.ESPALIER_CACHE = join(file, 'cache')
    try {
      const [flags, ...rest] = prune('--method magnitude --target-flops 0.5 --judges 40')
      const { code, stderr } = await run('prune', flags, ...rest)
      expect(code).toBe(0)
      expect(stderr).toContain('levels are not kept for another time: ')
      expect(stderr).toContain('only 40 training samples tell levels apart')
    } finally {
      process.env.ESPALIER_CACHE = before
    }
  })

  it('keeps what the pruned file needs: it evaluates as was said', async () => {
    const [flags, ...rest] = prune('--method magnitude --target-flops 0.5')
    const { final } = await json('prune', flags, ...rest)
    const { code, stdout } = await espalier(['eval', rest[1], '--data', 'synthetic', '--json'])
    expect(code).toBe(0)
    expect(jsonLines(stdout)[0]).toMatchObject({ accuracy: final.accuracy })
    expect(toFloats(readSafetensors(file).tensors.get('fc1.weight')!)).toHaveLength(31360)
  })
})
