/** @file What training scripts save beside the weights, and which of several dicts of tensors is taken. */
import { describe, expect, it } from 'vitest'
import { toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { parseTorch } from '../../../src/formats/torch/torch.ts'
import { UserError } from '../../../src/util/errors.ts'
import {
  build,
  call,
  dict,
  entries,
  int,
  items,
  legacyCheckpoint,
  list,
  NONE,
  named,
  newObject,
  set,
  tensor,
  text,
  tuple,
  type Written,
  zipCheckpoint,
} from './write.ts'

const weights: Record<string, Written> = {
  'fc.weight': { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
  'fc.bias': { values: Float32Array.of(-1, 0.5), shape: [2] },
}
const others: Record<string, Written> = { 'fc.weight': { values: Float32Array.of(9, 9), shape: [1, 2] } }
const scalar: Written = { values: Float32Array.of(97.5), shape: [] }
const matrix: Written = { values: new Float32Array(4), shape: [2, 2] }
/** All of the tensors, in the order of their keys. */
const all = { ...weights, other: others['fc.weight'], scalar, matrix }
const state = dict(entries(weights))
const averaged = dict([['fc.weight', tensor(others['fc.weight'], '2')]])
const [one, square] = [tensor(scalar, '3'), tensor(matrix, '4')]

const read = (object: number[]) => parseTorch(zipCheckpoint(all, object), 'x.pth')
const numbers = (object: number[]) => [...read(object).tensors].map(([name, stored]) => [name, [...toFloats(stored)]])
const expected = [
  ['fc.weight', [1, 2, 3, 4, 5, 6]],
  ['fc.bias', [-1, 0.5]],
]

const optimizer = dict([
  ['state', dict([['momentum_buffer', square]])],
  ['param_groups', list(dict([['lr', int(1)]]))],
])

it.each<[string, number[]]>([
  ['a call that would run code', call(named('os', 'system'), text('true'))],
  ['a name', named('builtins', 'eval')],
  ['what a call of what a call made makes', call(call(named('builtins', 'getattr'), text('x')), int(1))],
  ['a tensor, such as the best accuracy', one],
  ['a vector', tensor({ ...matrix, shape: [4] }, '4')],
  ['tensors in a dict', dict([['cpu', tensor({ ...matrix, shape: [4] }, '4')]])],
  ['an optimizer', optimizer],
  ['a list of optimizers', list(optimizer, optimizer)],
  ['a Counter, as schedulers have', call(named('collections', 'Counter'), dict([['a', int(1)]]))],
  ['a defaultdict', items(call(named('collections', 'defaultdict'), named('builtins', 'list')), [['a', int(1)]])],
  ['an OrderedDict of pairs', call(named('collections', 'OrderedDict'), list(tuple(text('a'), int(1))))],
  [
    'a NumPy scalar',
    call(
      named('numpy.core.multiarray', 'scalar'),
      build(call(named('numpy', 'dtype'), text('f8'), int(0), int(1)), tuple(int(3), text('<'), NONE)),
      call(named('_codecs', 'encode'), text('\0\0\0\0\0`X@'), text('latin1')),
    ),
  ],
  [
    'a NumPy array',
    build(
      call(named('numpy.core.multiarray', '_reconstruct'), named('numpy', 'ndarray'), tuple(int(0)), text('b')),
      tuple(int(1), tuple(int(0)), NONE, NONE, text('')),
    ),
  ],
  ['a set', set(int(1), int(2))],
  ['a set of protocol 2', call(named('__builtin__', 'set'), list(int(1)))],
  ['a frozenset', [0x28, ...int(1), 0x91]],
  ['a dtype', named('torch', 'float32')],
  ['a slice', call(named('__builtin__', 'slice'), int(1), int(2), NONE)],
  ['a shape', call(named('torch', 'Size'), tuple(int(1), int(2)))],
  ['a device', call(named('torch', 'device'), text('cuda'), int(0))],
  ['a Namespace', build(newObject(named('argparse', 'Namespace')), dict([['lr', int(1)]]))],
  ['an object with keywords', [...named('a', 'B'), ...tuple(int(1)), ...dict([['x', int(1)]]), 0x92]],
  ['an object of protocol 0', [0x28, 0x69, ...Buffer.from('a\nB\n')]],
  ['an object of protocol 1', [0x28, ...named('a', 'B'), ...int(1), 0x6f]],
  ['an object of a registered extension', [0x82, 7]],
  ['a list of a class of its own', [...newObject(named('a', 'List')), ...int(1), 0x61]],
  ['bytes that can change', [0x96, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2]],
  ['bytes that cannot', [0x96, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x98]],
  ['an integer of 100 bytes', [0x8a, 100, ...new Array<number>(100).fill(1)]],
  ['an integer in a line', [0x4c, ...Buffer.from('123456789012345678901L\n')]],
  ['text that is no UTF-8', [0x55, 2, 0xff, 0xfe]],
  ['infinity', [0x46, ...Buffer.from('-inf\n')]],
])('%s is passed over, before the weights and behind them', (_, beside) => {
  expect(
    numbers(
      dict([
        ['beside', beside],
        ['state_dict', state],
      ]),
    ),
  ).toEqual(expected)
  expect(
    numbers(
      dict([
        ['state_dict', state],
        ['beside', beside],
      ]),
    ),
  ).toEqual(expected)
  expect(numbers(items(state, [['beside', beside]]))).toEqual(
    // A dict of the weights and other tensors has the other tensors, too.
    _.startsWith('a tensor') || _.startsWith('a vector') ? expect.arrayContaining(expected) : expected,
  )
})

describe('of several dicts of tensors', () => {
  const taken = (object: number[]) => {
    const { tensors, notes } = read(object)
    return [[...toFloats(tensors.get('fc.weight')!)].length === 6, notes]
  }

  it.each<[string, number[], string[]]>([
    [
      'state_dict',
      dict([
        ['ema', averaged],
        ['state_dict', state],
      ]),
      ['ema'],
    ],
    [
      'model',
      dict([
        ['model', state],
        ['model_ema', averaged],
      ]),
      ['model_ema'],
    ],
    [
      'net',
      dict([
        ['a', averaged],
        ['b', averaged],
        ['net', state],
      ]),
      ['a', 'b'],
    ],
    [
      'state_dict',
      dict([
        ['model', averaged],
        ['state_dict', state],
      ]),
      ['model'],
    ],
    [
      'state_dict',
      dict([
        ['confusion', square],
        ['state_dict', state],
      ]),
      ['its outermost dict'],
    ],
    [
      'model.state_dict',
      dict([
        [
          'model',
          dict([
            ['ema', averaged],
            ['state_dict', state],
          ]),
        ],
      ]),
      ['model.ema'],
    ],
    [
      '[0].state_dict',
      list(
        dict([
          ['ema', averaged],
          ['state_dict', state],
        ]),
      ),
      ['[0].ema'],
    ],
  ])('%s is taken, and a note says so', (key, object, more) => {
    expect(taken(object)).toEqual([
      true,
      [`x.pth holds tensors under ${more.join(' and ')} too; those under ${key} were taken`],
    ])
  })

  it('those of an optimizer never count, and what is there twice is there once', () => {
    expect(
      taken(
        dict([
          ['optimizer', dict([['momentum', averaged]])],
          ['weird', state],
        ]),
      ),
    ).toEqual([true, []])
    expect(
      taken(
        dict([
          ['sgd', optimizer],
          ['weird', state],
        ]),
      ),
    ).toEqual([true, []])
    const same = [...state, 0x71, 7]
    expect(
      taken(
        dict([
          ['a', same],
          ['b', [0x68, 7]],
        ]),
      ),
    ).toEqual([true, []])
    expect(() => read(dict([['optimizer', averaged]]))).toThrow(/found no tensors by name/)
  })

  it.each<[number[], string]>([
    [
      dict([
        ['generator', state],
        ['critic', averaged],
      ]),
      'generator and critic',
    ],
    [items(state, [['ema', averaged]]), 'its outermost dict and ema'],
    [
      dict([
        [
          'model',
          dict([
            ['encoder', state],
            ['decoder', averaged],
          ]),
        ],
      ]),
      'model.encoder and model.decoder',
    ],
    [list(state, averaged), '[0] and [1]'],
  ])('nothing is guessed', (object, keys) => {
    expect(() => read(object)).toThrow(UserError)
    expect(() => read(object)).toThrow(
      `x.pth: expected one set of weights, found tensors under ${keys}: save the one that is meant under the key state_dict`,
    )
  })
})

it.each<[string, number[], string]>([
  ['a tensor alone', square, 'found no tensors by name in a tensor: save model.state_dict()'],
  ['an array', items(state, [['bn.weight', call(named('numpy', 'ndarray'))]]), 'bn.weight is numpy.ndarray'],
  ['a tuple', items(state, [['q._packed_params', tuple(square)]]), 'q._packed_params is a list'],
  [
    'a quantized tensor',
    items(state, [['q.weight', call(named('torch._utils', '_rebuild_qtensor'), int(1))]]),
    'x.pth: tensor q.weight is quantized, expected dense or sparse values of a plain type',
  ],
  ['a key that is no name', [...state, ...int(3), ...one, 0x73], 'found a tensor under a key that is a number'],
  [
    'two names that become one',
    items(state, [['fc._layer.weight', square]]),
    'found two tensors for fc.weight, one of them fc._layer.weight',
  ],
])('%s in the place of a tensor is no tensor that is lost: refused', (_, object, message) => {
  expect(() => read(object)).toThrow(UserError)
  expect(() => read(object)).toThrow(message)
})

it('old files in other protocols begin in other ways', () => {
  const legacy = (start: number[]) => legacyCheckpoint(weights, undefined, start)
  // With a frame around what follows, as protocols 4 and 5 write it.
  for (const start of [
    [0x80, 3],
    [0x80, 4, 0x95, 13, 0, 0, 0, 0, 0, 0, 0],
    [0x80, 5],
  ])
    expect(parseTorch(legacy(start), 'x.pth').tensors.size).toBe(2)
  const line = Buffer.from('L119547037146038801333356L\n.')
  const old = Buffer.concat([line, legacy([0x80, 2]).subarray(15)])
  expect(parseTorch(old, 'x.pth').tensors.size).toBe(2)
})
