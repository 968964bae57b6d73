/**
 * @file espalier prune on small networks: exact counts, files that evaluate as was said, and one sentence
 * where something does not fit.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { isBuilt } from '../../src/engine/machines/native.ts'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { type MethodName, methods } from '../../src/methods/index.ts'
import type { Method } from '../../src/methods/method.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { breadth, rows } from '../support/breadth.ts'
import { machine } from '../train/small.ts'
import { compiled, espalier, finish, jsonLines, start } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** Trained networks: mlp.safetensors, bn.safetensors, and bad.safetensors with a NaN. */
let trained: string
const weights = (name: string) => join(trained, `${name}.safetensors`)

beforeAll(async () => {
  trained = mkdtempSync(join(tmpdir(), 'espalier-'))
  const data = synthetic()
  for (const [name, model] of Object.entries({ mlp: 'mlpnet', bn: 'mnist-mlp-bn' })) {
    const network = new Network({ machine, model: findModel(model), data, batch: 100 })
    await train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
    writeSafetensors(weights(name), weightsOf(network))
    if (name === 'bn') continue
    network.values('fc2.weight')[7] = Number.NaN
    writeSafetensors(weights('bad'), weightsOf(network))
  }
}, 120_000)
afterAll(() => rmSync(trained, { recursive: true, force: true }))

/** Where nothing is said of them, a single round of polishing and two stages: thirty take many seconds. */
function prune(file: string, flags: string, out = join(temporaryFolder(), 'out.safetensors')) {
  const polished =
    /--method (obd|woodfisher|woodtaylor|kfac|cbs|chita|falcon|obc|sparsegpt|wanda|ria|alps|snows)/.test(flags) &&
    !/--(polish|faithful)/.test(flags)
  const staged =
    /--method (obd|woodfisher|woodtaylor|kfac|cbs|chita|falcon)/.test(flags) && !/--(stages|faithful|start)/.test(flags)
  const given = `${flags} ${polished ? '--polish 1' : ''} ${staged ? '--stages 2' : ''}`.split(' ').filter(Boolean)
  return espalier(['prune', weights(file), '--data', 'synthetic', ...given, '-o', out])
}

interface Result {
  layers: { name: string; size: number; kept: number; effective: number }[]
  prunable: { size: number; kept: number }
  parameters: { size: number; kept: number }
  dense: { accuracy: number }
  pruned: { accuracy: number; loss: number; correct: number }
  refreshed?: { accuracy: number; loss: number }
  polished?: { accuracy: number; loss: number }
  final: { accuracy: number; loss: number; correct: number }
  statistics?: { before: number; after: number; taken: boolean }
  polish?: { rounds: number; gradients: number; respent: number; before: number; after: number }
  samples: number
  judge: number
}

async function result(file: string, flags: string, out = join(temporaryFolder(), 'out.safetensors')) {
  const { code, stdout, stderr } = await prune(file, `${flags} --json`, out)
  expect([code, stderr]).toEqual([0, ''])
  expect(jsonLines(stdout)).toHaveLength(1)
  return jsonLines(stdout)[0] as unknown as Result
}

const kindOf = (name: string) => {
  const { section, takes }: Method = methods[name as MethodName]
  return `${section}: ${takes}`
}
/** The first method of each section and set of settings; OBC takes seconds. */
const ofEachKind = new Set(
  new Map(
    Object.keys(methods)
      .filter((name) => name !== 'obc')
      .reverse()
      .map((name) => [kindOf(name), name]),
  ).values(),
)

// The masks of all methods are compared in test/methods.
it.each(rows(Object.keys(methods), (method) => ofEachKind.has(method)))(
  '%s keeps exactly the weights asked for, and eval finds what was said',
  async (method) => {
    const out = join(temporaryFolder(), 'out.safetensors')
    const { takes, section, summary }: Method = methods[method as MethodName]
    const samples = takes.includes('samples') ? '--samples 150' : ''
    const judge = takes.includes('judge') ? '--judge 400' : ''
    const { prunable, parameters, layers, dense, final } = await result(
      'mlp',
      `--method ${method} --sparsity 0.9 ${samples} ${judge}`,
      out,
    )
    expect(prunable).toMatchObject({ size: 32_360, kept: 3236 })
    expect(parameters).toMatchObject({ size: 32_360, kept: 3236 })
    expect(layers.map(({ size }) => size)).toEqual([31_360, 800, 200])
    expect(layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(3236)
    expect(dense.accuracy).toBeGreaterThan(0.95)
    // Scores but magnitudes choose for the training that follows, not for the accuracy of trained weights.
    const ownAccuracy = section !== 'scoring' || method === 'magnitude'
    expect(final.accuracy, summary).toBeGreaterThan(ownAccuracy ? 0.7 : 0.09)
    const evaluated = await espalier([
      'eval',
      '--weights',
      out,
      '--dataset',
      'synthetic',
      '--json',
      '--kernels',
      'dense',
    ])
    expect(jsonLines(evaluated.stdout)[0]).toMatchObject({ ...final, model: 'mlpnet', sparsity: 0.9 })
    expect(readSafetensors(out).metadata).toMatchObject({
      method,
      sparsity: '0.9',
      mean: '[0.5]',
      ...(samples && { samples: '150' }),
    })
  },
)

it('prints what it does, and says it the same way every time: same bytes for the same seed', async () => {
  const flags = '--method cbs --sparsity 0.8 --samples 100 --judge 300 --polish 0'
  const outs = ['a', 'b', 'c'].map((name) => join(temporaryFolder(), `${name}.safetensors`))
  const { stdout } = await prune('mlp', `${flags} --seed 3`, outs[0])
  expect(stdout).toMatch(/^images: 1 x 28 x 28, as they are stored\ninputs: .* \(of the weights file\)\n/)
  expect(stdout).toMatch(/^mlpnet: pruning 3 tensors, 32,360 of 32,360 weights of layers; engine: /m)
  expect(stdout).toMatch(/^dense: test accuracy \d+\.\d\d %, loss /m)
  expect(stdout).toMatch(/^gradients: 100 of 100 gradients, \d+\.\d s$/m)
  expect(stdout).toMatch(/^search: pass 1: \d+ exchanges, objective /m)
  expect(stdout).toMatch(/^\| all pruned tensors \| +32,360 \| +6,472 \| +20\.00 % \|$/m)
  expect(stdout).toMatch(/^time: gradients .* s, inverse .* s, search .* s, update .* s$/m)
  await prune('mlp', `${flags} --seed 3`, outs[1])
  await prune('mlp', `${flags} --seed 4`, outs[2])
  const [a, b, c] = outs.map((path) => readFileSync(path))
  expect(a.equals(b)).toBe(true)
  expect(a.equals(c)).toBe(false)
})

it('defaults leave half of a small data set to judge; faithful mode judges by the gradient samples', async () => {
  expect(await result('mlp', '--method obd --sparsity 0.5')).toMatchObject({ samples: 1000, judge: 1000 })
  const flags = '--method obd --sparsity 0.5 --samples 300 --faithful'
  // Of the published code's strict threshold comes one weight less.
  expect(await result('mlp', flags)).toMatchObject({ samples: 300, judge: 300, prunable: { kept: 16_179 } })
  // A search by all training samples.
  expect(await result('mlp', flags.replace('obd', 'cbs-select'))).toMatchObject({ samples: 300, judge: 2000 })
})

it('--block-size of so many weights, and --memory in which not all gradients fit: the same weights', async () => {
  const flags = '--method woodfisher --sparsity 0.9 --samples 50 --mini-batch 2 --judge 200 --polish 0 --block-size'
  const out = (name: string) => join(temporaryFolder(), `${name}.safetensors`)
  const [free, bound] = [out('free'), out('bound')]
  expect(await result('mlp', `${flags} 700`, free)).toMatchObject({ blockSize: 700, prunable: { kept: 3236 } })
  const { stdout } = await prune('mlp', `${flags} 700 --memory 0.004`, bound)
  expect(stdout).toMatch(/^gradients: part 2 of 2, 50 of 50 gradients, /m)
  expect(readSafetensors(bound).metadata['block-size']).toBe('700')
  expect(readFileSync(bound).equals(readFileSync(free))).toBe(true)
  const { code, stderr } = await prune('mlp', `${flags} layer --memory 0.001`)
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^espalier: --samples: woodfisher needs 50 .* smaller blocks\n$/),
  ])
})

it('--include and --exclude: other tensors stay as they are', async () => {
  const { prunable, parameters } = await result('mlp', '--method obd --sparsity 0.5 --samples 50 --include fc2*,fc3*')
  expect(prunable).toMatchObject({ size: 1000, kept: 500 })
  expect(parameters).toMatchObject({ size: 32_360, kept: 31_860 })
})

it('--refresh-bn: new statistics, reported beside the old', async () => {
  const out = join(temporaryFolder(), 'out.safetensors')
  const flags = '--method magnitude --sparsity 0.95'
  const { pruned, refreshed } = await result('bn', `${flags} --refresh-bn 1000`, out)
  expect(refreshed!.loss).toBeLessThan(pruned.loss)
  const evaluated = await espalier(['eval', '--weights', out, '--dataset', 'synthetic', '--json', '--kernels', 'dense'])
  expect(jsonLines(evaluated.stdout)[0]).toMatchObject(refreshed!)
  expect((await result('bn', `${flags} --refresh-bn none`)).final).toEqual(pruned)
  // By default they are tried, and stay where the loss falls.
  const usual = await result('bn', flags)
  expect(usual).toMatchObject({ pruned, final: usual.refreshed, statistics: { images: 1000, taken: true } })
  expect(usual.statistics!.after).toBeLessThan(usual.statistics!.before)
})

it('--polish: the loss falls, weights without influence are spent again, and the report counts what it took', {
  timeout: 120_000,
}, async () => {
  const flags = '--method sparsegpt --sparsity 0.95 --samples 150'
  const { layers, prunable, pruned, polished, polish, final } = await result('mlp', `${flags} --polish 3`)
  expect(polish).toMatchObject({ rounds: 3, gradients: 3000 })
  expect(polish!.after).toBeLessThan(polish!.before)
  expect(polished!.loss).toBeLessThan(pruned.loss)
  expect(final).toEqual(polished)
  const plain = await result('mlp', `${flags} --polish 0`)
  expect(plain).toMatchObject({ prunable, pruned, final: pruned })
  expect(polish!.respent).toBeGreaterThan(0)
  const lost = (some: typeof layers) => some.reduce((sum, { kept, effective }) => sum + kept - effective, 0)
  expect(lost(plain.layers)).toBeGreaterThan(0)
  expect(lost(layers)).toBeLessThan(lost(plain.layers))
  expect(plain.polish).toBeUndefined()
  const { stdout } = await prune('mlp', '--method obd --sparsity 0.95 --samples 150 --stages 1 --polish 3')
  expect(stdout).toMatch(/^polishing: 3 updates .*, held-out loss \d.\d+ to \d.\d+ \(3,000 sample gradients\)$/m)
})

it('--fisher-cache: used whatever the damping, not for another seed, not where it is damaged', async () => {
  const cache = join(temporaryFolder(), 'cache')
  const flags = `--method cbs-update --stages 1 --sparsity 0.9 --samples 60 --judge 200 --polish 0 --fisher-cache ${cache}`
  const note = (text: string) => text.split('\n').filter((line) => line.startsWith('note: '))
  const out = join(temporaryFolder(), 'out.safetensors')
  expect(note((await prune('mlp', flags, out)).stdout)).toEqual([])
  const first = readFileSync(out)
  const [name] = readdirSync(cache)
  const path = join(cache, name)
  expect(note((await prune('mlp', `${flags} --force`, out)).stdout)).toEqual([`note: gradients are taken from ${path}`])
  expect(readFileSync(out).equals(first)).toBe(true)
  expect(note((await prune('mlp', `${flags} --damp 0.1`)).stdout)).toEqual([`note: gradients are taken from ${path}`])
  expect(note((await prune('mlp', `${flags} --seed 1`)).stdout)).toEqual([])
  truncateSync(path, 99)
  const again = await prune('mlp', `${flags} --force`, out)
  expect(note(again.stdout)).toEqual([
    expect.stringMatching(/has 99 bytes, expected \d+: gradients are computed again$/),
  ])
  expect(readFileSync(out).equals(first)).toBe(true)
}, 60_000)

it.each<[string, string, RegExp]>([
  [
    'mlp',
    '--method cbs --sparsity 1.5',
    /^espalier: --sparsity: expected the share of zeros, .* below 1, found 1\.5\n$/,
  ],
  [
    'mlp',
    '--method woodfischer --sparsity 0.5',
    /^espalier: --method: .* woodfischer \(did you mean woodfisher\?\)\n$/,
  ],
  [
    'mlp',
    '--method obd',
    /^espalier: prune needs either --sparsity or a target \(--target-ms, --target-kb, --target-flops, --max-drop\)\n$/,
  ],
  [
    'mlp',
    '--method obd --sparsity 0.5 --model lenet-300-100',
    /mlp\.safetensors: tensor fc1\.weight has shape \[40,784\], the network expects \[300,784\]\n$/,
  ],
  [
    'mlp',
    '--method obd --sparsity 0.5 --samples 3000',
    /^espalier: --samples: expected no more than the 2,000 training samples of synthetic, found 3,000\n$/,
  ],
  ['mlp', '--method obd --sparsity 0.5 --samples 600 --mini-batch 4', /found 600 in mini-batches of 4\n$/],
  [
    'mlp',
    '--method obd --sparsity 0.5 --samples 2000',
    /^espalier: --samples: 2,000 gradients leave none of .* judge by\n$/,
  ],
  [
    'mlp',
    '--method obd --sparsity 0.5 --samples 1500 --judge 600',
    /^espalier: --judge: expected no more than 500 .*600\n$/,
  ],
  ['mlp', '--method woodfisher --sparsity 0.5 --damp 0', /^espalier: --damp: expected more than 0, found 0\n$/],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --block-size lyer',
    /^espalier: --block-size: expected full, layer or a number of weights, found "lyer"\n$/,
  ],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --block-size 0',
    /^espalier: --block-size: expected full, layer or a number of weights, found 0\n$/,
  ],
  [
    'mlp',
    '--method obd --sparsity 0.5 --memory none',
    /^espalier: --memory: expected a value of type number, found "none"\n$/,
  ],
  ['mlp', '--method obd --sparsity 0.5 --include conv1', /^espalier: --include: no prunable tensor is named conv1 /],
  [
    'mlp',
    '--method obd --sparsity 0.5 --refresh-bn 10',
    /^espalier: --refresh-bn: mlpnet has no batch normalization\n$/,
  ],
  ['bad', '--method obd --sparsity 0.5', /tensor fc2\.weight holds NaN at index 7, expected finite values\n$/],
  [
    'mlp',
    '--method magnitude --sparsity 0.5 --damp 1',
    /^espalier: --damp has no effect with magnitude: it is for obd, woodfisher, woodtaylor, kfac, cbs-update, cbs, chita, falcon, obc, sparsegpt, alps and snows\n$/,
  ],
  ['mlp', '--method cbs --sparsity 0.5 --tau 0', /^espalier: --tau: expected at least 1, found 0\n$/],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --search all',
    /^espalier: --search: expected one of none, global, layer, found "all"\n$/,
  ],
  [
    'mlp',
    '--method woodfisher --sparsity 0.5 --epsilon 1e-3',
    /^espalier: --epsilon has no effect with woodfisher: it is for cbs-select and cbs\n$/,
  ],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --search none --epsilon 1e-3',
    /^espalier: --epsilon has no effect with cbs with search none\n$/,
  ],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --update none --no-first-order',
    /^espalier: --first-order has no effect with cbs with update none\n$/,
  ],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --start magnitud --judge 100',
    /^espalier: --start: there is neither a start nor a file named magnitud \(did you mean magnitude\?\)\n$/,
  ],
  [
    'mlp',
    '--method woodfisher --sparsity 0.5 --sparsities linear=0.9',
    /^espalier: --sparsities: expected --scope layerwise, found global\n$/,
  ],
  [
    'mlp',
    '--method woodfisher --sparsity 0.5 --scope layerwise --sparsities fc1.weight=0.9,linear',
    /^espalier: --sparsities: expected entries such as conv=0.9, found "linear"\n$/,
  ],
  [
    'mlp',
    '--method snip --sparsity 0.5 --scope layerwise --sparsities linear=90',
    /^espalier: --sparsities: linear: expected the share of zeros, at least 0 and below 1, found 90\n$/,
  ],
  [
    'mlp',
    '--method woodfisher --sparsity 0.5 --scope layerwise --sparsities conv=0.9',
    /^espalier: --sparsities: no prunable tensor is of the kind conv \(/,
  ],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --sparsities linear=0.9',
    /^espalier: --sparsities has no effect with cbs: it is for magnitude, /,
  ],
  [
    'mlp',
    '--method chita --sparsity 0.5 --flops 0.5',
    /^espalier: --flops has no effect with chita: it is for magnitude, random, .* woodfisher, woodtaylor, kfac, cbs-update and falcon\n$/,
  ],
  [
    'mlp',
    '--method obd --sparsity 0.5 --flops 30%',
    /^espalier: --flops: expected the share of the dense multiply-adds that may stay, above 0 and at most 1, found 30%\n$/,
  ],
  [
    'mlp',
    '--method magnitude --sparsity 0.5 --flops 0.3 --scope erk',
    /^espalier: --flops: needs one ranking over all layers, expected scope global, found erk\n$/,
  ],
  ['mlp', '--method magnitude --sparsity 0.5 --samples 9', /^espalier: --samples has no effect with magnitude: /],
  ['mlp', '--method magnitude --sparsity 0.5 --mini-batch 1', /^espalier: --mini-batch has no effect with magnitude: /],
  ['mlp', '--method magnitude --sparsity 0.5 --seed 0', /^espalier: --seed has no effect with magnitude: /],
  ['mlp', '--method random --sparsity 0.5 --faithful', /^espalier: --faithful has no effect with random: /],
  ['mlp', '--method cbs-select --sparsity 0.5 --damp 1', /^espalier: --damp has no effect with cbs-select: /],
  ['mlp', '--method obc --sparsity 0.5 --fisher-cache x', /^espalier: --fisher-cache has no effect with obc: /],
  ['mlp', '--method obc --sparsity 0.5 --block-size full', /^espalier: --block-size has no effect with obc: /],
  ['mlp', '--method sparsegpt --sparsity 0.5 --judge 10', /^espalier: --judge has no effect with sparsegpt: /],
  [
    'mlp',
    '--method cbs --sparsity 0.5 --scope uniform',
    /^espalier: --scope uniform: with cbs the loss decides where weights are removed, expected global\n$/,
  ],
  [
    'mlp',
    '--method magnitude --sparsity 0.5 --faithful --scope erk',
    /^espalier: --scope: expected global or layerwise for magnitude with --faithful, found erk\n$/,
  ],
  [
    'mlp',
    '--compare magnitude,obd --sparsity 0.5',
    /^espalier: --out has no effect with --compare, which writes nothing\n$/,
  ],
])('refuses %s %s', async (file, flags, message) => {
  const out = join(temporaryFolder(), 'out.safetensors')
  const { code, stdout, stderr } = await prune(file, flags, out)
  expect(stderr).toMatch(message)
  expect([code, stdout, existsSync(out)]).toEqual([1, '', false])
})

it('--flops: fewer weights stay where no more fit; the JSON, the text and the file say so', async () => {
  const flags = '--sparsity 0.9 --flops 0.05'
  for (const method of ['magnitude', 'falcon --samples 100 --judge 200 --stages 2']) {
    const out = join(temporaryFolder(), 'out.safetensors')
    // A weight of a linear layer costs one multiply-add.
    const found = await result('mlp', `--method ${method} ${flags}`, out)
    expect(found).toMatchObject({ flops: 0.05, multiplyAdds: { dense: 32_360, kept: 1618 }, prunable: { kept: 1618 } })
    expect(readSafetensors(out).metadata).toMatchObject({ flops: '0.05', sparsity: '0.9' })
  }
  const { stdout } = await prune('mlp', `--method magnitude ${flags}`)
  expect(stdout).toMatch(/^1,618 of the 32,360 multiply-adds of a sample in the pruned tensors are left \(5\.00 %\)$/m)
  expect(stdout).toContain(
    '\nnote: --flops 0.05 binds more than --sparsity: of the 3,236 weights that this leaves, 1,618 fit into the budget\n',
  )
  expect((await prune('mlp', '--method magnitude --sparsity 0.9 --flops 0.5')).stdout).not.toContain('binds')
  const without = await result('mlp', '--method magnitude --sparsity 0.9')
  expect(without).toMatchObject({ multiplyAdds: { dense: 32_360, kept: 3236 } })
  expect(without).not.toHaveProperty('flops')
})

it.skipIf(!isBuilt()).each<[string, string[], NodeJS.Signals, RegExp]>([
  [
    'to a file',
    ['-o', 'out.h5'],
    'SIGINT',
    /neither out\.h5 nor any other file is written before the end, but for gradients in c\n$/,
  ],
  [
    'to compare',
    ['--compare', 'cbs,obd'],
    'SIGTERM',
    /interrupted: nothing is written before the end, but for gradients in c\n$/,
  ],
])(
  'interrupted by a signal, pruning %s says what there is and what not',
  { timeout: 120_000 },
  async (_, asked, daily, said) => {
    await compiled()
    const folder = temporaryFolder()
    const method = asked[0] === '--compare' ? [] : ['--method', 'cbs']
    const flags = ['--data', 'synthetic', '--sparsity', '0.9', '--samples', '900', '--fisher-cache', 'c']
    for (const name of breadth<NodeJS.Signals[]>([daily], ['SIGINT', 'SIGTERM'])) {
      const child = start(['prune', weights('mlp'), ...flags, ...method, ...asked], { cwd: folder })
      const finished = finish(child)
      // Nothing is printed where methods are compared before the first has ended. The folder is made before
      // there is anything to interrupt, the gradients in it are written in the middle.
      while (!existsSync(join(folder, 'c')) || readdirSync(join(folder, 'c')).length === 0) await setTimeout(20)
      child.kill(name)
      const { signal, stderr } = await finished
      expect(signal).toBe(name)
      expect(stderr).toMatch(/^\nespalier: interrupted: [^\n]*\n$/)
      expect(stderr).toMatch(said)
      expect(readdirSync(folder)).toEqual(['c'])
      rmSync(join(folder, 'c'), { recursive: true })
    }
  },
)

it('in a terminal it says beforehand what Ctrl-C leaves, where it could not say so then', async () => {
  const folder = temporaryFolder()
  const flags = ['--sparsity', '0.5', '--data', 'synthetic']
  const run = async (columns: number | undefined, name: string, ...method: string[]) =>
    (await espalier(['prune', weights('mlp'), ...flags, '--method', ...method, '-o', join(folder, name)], { columns }))
      .stdout
  expect(await run(400, 'a.h5', 'magnitude')).toMatch(
    /^Ctrl-C ends this at once: neither .*a\.h5 nor any other file is written before the end$/m,
  )
  const cache = join(folder, 'cache')
  const cached = ['obd', '--samples', '20', '--judge', '20', '--polish', '0', '--fisher-cache', cache]
  expect(await run(400, 'b.h5', ...cached)).toContain(`before the end, but for gradients in ${cache}\n`)
  expect(await run(undefined, 'c.h5', 'magnitude')).not.toContain('Ctrl-C')
})

it('--flops without data is refused: values alone do not say where a network uses them', async () => {
  const args = [
    '--method',
    'magnitude',
    '--sparsity',
    '0.9',
    '--flops',
    '0.05',
    '-o',
    join(temporaryFolder(), 'out.safetensors'),
  ]
  const { code, stderr } = await espalier(['prune', weights('mlp'), ...args])
  expect([code, stderr]).toEqual([1, 'espalier: --flops needs --data with a data set or a folder\n'])
})

it('refuses to begin without a place for the result', async () => {
  const args = ['prune', weights('mlp'), '--data', 'synthetic', '--method', 'obd', '--sparsity', '0.5']
  expect((await espalier(args)).stderr).toBe('espalier: prune needs --out with the name of a file\n')
  const out = join(temporaryFolder(), 'none', 'out.safetensors')
  expect((await espalier([...args, '-o', out])).stderr).toBe(
    `espalier: cannot write ${out}: there is no such file or folder\n`,
  )
})

it('flags that nothing would use are refused, with several methods and without data', async () => {
  const refused = async (...flags: string[]) => {
    const { code, stdout, stderr } = await espalier(['prune', weights('mlp'), '--sparsity', '0.5', ...flags])
    expect([code, stdout]).toEqual([1, ''])
    return stderr
  }
  const data = ['--data', 'synthetic']
  for (const flag of [['--finetune', 'r.yaml'], ['--compact'], ['--dtype', 'float16'], ['--on-collapse', 'error']])
    expect(await refused('--compare', 'magnitude,obd', ...data, ...flag)).toMatch(
      new RegExp(`^espalier: ${flag[0]} has no effect with --compare, which writes nothing\\n$`),
    )
  expect(await refused('--compare', 'magnitude,cbs-select', ...data, '--damp', '1')).toMatch(
    /^espalier: --damp has no effect with magnitude and cbs-select: it is for /,
  )
  const out = join(temporaryFolder(), 'out.safetensors')
  for (const flag of [['--faithful'], ['--refresh-bn', '9'], ['--mean', '0.5'], ['--skip-corrupt']])
    expect(await refused('--method', 'magnitude', '-o', out, ...flag)).toBe(
      `espalier: ${flag[0]} needs --data with a data set or a folder\n`,
    )
  expect(await refused('--method', 'magnitude', '-o', out, '--size', '9')).toMatch(/^espalier: --size needs --data /)
  expect(existsSync(out)).toBe(false)
}, 60_000)

it('--seed says something to magnitude where it draws images for new statistics', async () => {
  const flags = '--method magnitude --sparsity 0.5 --refresh-bn 100 --seed'
  const [one, other] = [await result('bn', `${flags} 1`), await result('bn', `${flags} 2`)]
  expect(one.refreshed).not.toEqual(other.refreshed)
})
