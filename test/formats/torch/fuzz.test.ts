/**
 * @file Pickles that no program writes: whatever they are, they are read or refused in a sentence, and none
 * takes long.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseTorch } from '../../../src/formats/torch/torch.ts'
import { UserError } from '../../../src/util/errors.ts'
import { draws } from '../../support/breadth.ts'
import {
  dict,
  entries,
  int,
  list,
  NONE,
  named,
  set,
  tensor,
  text,
  tuple,
  type Written,
  zipCheckpoint,
} from './write.ts'

const stored: Record<string, Written> = {
  'fc.weight': { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
  places: { values: BigInt64Array.of(0n, 1n, 1n, 0n), shape: [2, 2] },
  values: { values: Float32Array.of(8, 9), shape: [2] },
}
const [weight, places, values] = entries(stored).map(([, one]) => one)
const names = [
  'torch._utils _rebuild_tensor_v2',
  'torch._utils _rebuild_tensor_v3',
  'torch._utils _rebuild_sparse_tensor',
  'torch._utils _rebuild_parameter',
  'torch._tensor _rebuild_from_type_v2',
  'torch FloatStorage',
  'torch Size',
  'collections OrderedDict',
  'collections Counter',
  'collections defaultdict',
  '__builtin__ set',
  'os system',
  'copy_reg _reconstructor',
  'torch.serialization _get_layout',
  '__torch__.net M',
  'torch float32',
].map((name) => named(...(name.split(' ') as [string, string])))
const texts = ['fc.weight', 'state_dict', 'torch.sparse_coo', 'sparse_csr', '_modules', '_parameters', 'param_groups']
/** Whole values, then instructions that combine what lies on the stack. */
const values1 = [
  weight,
  places,
  values,
  tuple(places, values, tuple(int(2), int(2))),
  tuple(int(2), int(2)),
  NONE,
  [0x88],
  dict([]),
  list(),
  set(),
  int(2),
  int(-1),
  dict([['fc.weight', weight]]),
  ...names,
  ...texts.map(text),
  tensor({ ...stored.values, shape: [3], strides: [0] }, '2'),
]
const instructions = [
  ...'()0]}aeusbtl1205'.split('').map((letter) => [letter.charCodeAt(0)]),
  ...[0x52, 0x81, 0x92, 0x6f, 0x85, 0x86, 0x87, 0x8f, 0x90, 0x91, 0x93, 0x94, 0x98, 0x51, 0x64].map((code) => [code]),
  ...[0, 1, 2].flatMap((key) => [
    [0x71, key],
    [0x68, key],
  ]),
]

it('whatever program of all instructions, it ends in weights or in a sentence', () => {
  const steps = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...values1) },
    { weight: 4, arbitrary: fc.constantFrom(...instructions) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => [...bytes]) },
  )
  const outcomes = { read: 0, refused: 0 }
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), fc.boolean(), (program, beside) => {
      const object = program.flat()
      const bytes = zipCheckpoint(stored, beside ? [...dict([['state_dict', weight]]), ...object] : object)
      try {
        parseTorch(bytes, 'x.pth')
        outcomes.read++
      } catch (error) {
        expect(error).toBeInstanceOf(UserError)
        expect((error as Error).message).toMatch(/^x\.pth[^\n]+$/)
        outcomes.refused++
      }
    }),
    draws(20_000),
  )
  expect(outcomes.read).toBeGreaterThan(10)
  expect(outcomes.refused).toBeGreaterThan(1000)
}, 60_000)

/**
 * A list of so many numbers, kept under key 0, and then so often the instructions that make something of it.
 */
const repeated = (size: number, times: number, each: number[]) => [
  ...list(...Array.from({ length: size }, () => [0x4b, 1])),
  0x71,
  0,
  0x30,
  0x28,
  ...Array.from({ length: times }, () => each).flat(),
  0x6c,
]

it.each<[string, number[]]>([
  ['sets of one list', repeated(20_000, 20_000, [...named('builtins', 'set'), 0x68, 0, 0x85, 0x52])],
  ['dicts of one list', repeated(20_000, 20_000, [...named('collections', 'OrderedDict'), 0x68, 0, 0x85, 0x52])],
  [
    'tensors of one long shape',
    repeated(20_000, 20_000, [
      ...named('torch._utils', '_rebuild_tensor'),
      0x28,
      0x4e,
      0x4b,
      0,
      0x68,
      0,
      0x68,
      0,
      0x74,
      0x52,
    ]),
  ],
])('%s without end are given up at once', (_, object) => {
  const bytes = zipCheckpoint(stored, object)
  const start = performance.now()
  expect(() => parseTorch(bytes, 'x.pth')).toThrow(UserError)
  expect(performance.now() - start).toBeLessThan(5000)
})
