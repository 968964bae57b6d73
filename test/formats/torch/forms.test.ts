/**
 * @file The forms that tensors have in checkpoints: pruned and not yet permanent, sparse, expanded, of a type
 * of their own, within whole modules.
 */
import { describe, expect, it } from 'vitest'
import { joinMasks } from '../../../src/formats/pruned-masks.ts'
import { storeFloats, toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { parseTorch } from '../../../src/formats/torch/torch.ts'
import { UserError } from '../../../src/util/errors.ts'
import {
  build,
  call,
  dict,
  int,
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

const floats = (shape: number[], ...values: number[]): Written => ({ values: Float32Array.from(values), shape })
const integers = (shape: number[], ...values: number[]): Written => ({
  values: BigInt64Array.from(values, BigInt),
  shape,
})
/** Tensors as a pickle has them, by what a function makes of those that are stored. */
function read(stored: Record<string, Written>, object: (tensors: Record<string, number[]>) => number[]) {
  const pickled = Object.fromEntries(Object.entries(stored).map(([name, one], i) => [name, tensor(one, String(i))]))
  return parseTorch(zipCheckpoint(stored, object(pickled)), 'x.pth')
}
const numbers = ({ tensors }: ReturnType<typeof read>) =>
  Object.fromEntries([...tensors].map(([name, one]) => [name, [[...one.shape], [...toFloats(one)]]]))
const plain = (tensors: Record<string, number[]>) => dict(Object.entries(tensors))

describe('torch.nn.utils.prune', () => {
  const pair = {
    'a.bias': floats([1], 7),
    'a.weight_orig': floats([2, 2], 1, -2, 3, Number.NaN),
    'a.weight_mask': floats([2, 2], 1, 0, 1, 0),
    'a.bias_orig': floats([1], 3),
  }

  it('the product of values and mask is the weight, and bytes of a pruned one are zero', () => {
    const file = read(pair, plain)
    expect(numbers(file)).toEqual({
      'a.bias': [[1], [7]],
      'a.weight': [
        [2, 2],
        [1, 0, 3, 0],
      ],
      'a.bias_orig': [[1], [3]],
    })
    expect(Object.is(toFloats(file.tensors.get('a.weight')!)[1], 0)).toBe(true)
    const bias = { bias_orig: floats([2], 1, 2), bias_mask: floats([2], 0, 1), weight: floats([1, 1], 1) }
    expect(Object.keys(numbers(read(bias, plain)))).toEqual(['bias', 'weight'])
  })

  it('what is no pair stays as it is: a mask alone, values alone, a pair beside the weight', () => {
    const alone = { 'a.weight_orig': floats([1, 1], 1), 'a.weight_u': floats([1], 1), 'b.weight_mask': floats([1], 0) }
    expect(Object.keys(numbers(read(alone, plain)))).toEqual(Object.keys(alone))
    const three = { w: floats([1, 1], 5), w_orig: floats([1, 1], 1), w_mask: floats([1, 1], 0) }
    expect(Object.keys(numbers(read(three, plain)))).toEqual(['w', 'w_orig', 'w_mask'])
  })

  it.each([
    [floats([4], 1, 0, 1, 0), 'x.pth: the mask a.weight_mask has shape [4], expected [2,2], as its weight has'],
    [floats([2, 2], 1, 0.5, 1, 0), 'x.pth: the mask a.weight_mask holds 0.5, expected 0 or 1'],
  ])('a mask that does not fit is refused', (mask, message) => {
    expect(() => read({ ...pair, 'a.weight_mask': mask }, plain)).toThrow(UserError)
    expect(() => read({ ...pair, 'a.weight_mask': mask }, plain)).toThrow(message)
  })

  it('leaves the bytes alone that it was given', () => {
    const values = storeFloats(Float32Array.of(1, 2), [2])
    values.data = Buffer.from(values.data)
    const mask = storeFloats(Float32Array.of(0, 1), [2])
    const joined = joinMasks(new Map(Object.entries({ w_orig: values, w_mask: mask })), 'f')
    expect([...toFloats(joined.get('w')!)]).toEqual([0, 2])
    expect([...toFloats(values)]).toEqual([1, 2])
  })
})

const layout = (name: string) => call(named('torch.serialization', '_get_layout'), text(`torch.${name}`))
const size = (...shape: number[]) => call(named('torch', 'Size'), tuple(...shape.map(int)))
const sparse = (name: string, ...parts: number[][]) =>
  dict([['w', call(named('torch._utils', '_rebuild_sparse_tensor'), layout(name), tuple(...parts))]])

describe('sparse tensors', () => {
  const coo = (places: Written, values: Written, ...shape: number[]) =>
    read({ places, values }, (t) => sparse('sparse_coo', t.places, t.values, size(...shape)))
  const by = (name: string, starts: Written, others: Written, values: Written, ...shape: number[]) =>
    read({ starts, others, values }, (t) => sparse(name, t.starts, t.others, t.values, size(...shape)))

  it('by coordinates', () => {
    expect(numbers(coo(integers([2, 2], 0, 1, 2, 0), floats([2], 5, 7), 2, 3)).w).toEqual([
      [2, 3],
      [0, 0, 5, 7, 0, 0],
    ])
    // Rows of values, and two of them in one place.
    const rows = coo(integers([1, 3], 2, 0, 2), floats([3, 2], 1, 2, 3, 4, 10, 20), 3, 2)
    expect(numbers(rows).w).toEqual([
      [3, 2],
      [3, 4, 0, 0, 11, 22],
    ])
    expect(numbers(coo(integers([2, 0]), floats([0]), 2, 2)).w).toEqual([
      [2, 2],
      [0, 0, 0, 0],
    ])
  })

  it('by rows, columns, and blocks of both', () => {
    const [starts, others] = [integers([3], 0, 1, 3), integers([3], 1, 0, 2)]
    const values = floats([3], 5, 6, 7)
    expect(numbers(by('sparse_csr', starts, others, values, 2, 3)).w).toEqual([
      [2, 3],
      [0, 5, 0, 6, 0, 7],
    ])
    expect(numbers(by('sparse_csc', starts, others, values, 3, 2)).w).toEqual([
      [3, 2],
      [0, 6, 5, 0, 0, 7],
    ])
    const blocks = floats([3, 1, 2], 1, 2, 3, 4, 5, 6)
    expect(numbers(by('sparse_bsr', starts, others, blocks, 2, 6)).w).toEqual([
      [2, 6],
      [0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6],
    ])
    const tall = floats([1, 2, 1], 8, 9)
    const one = by('sparse_bsc', integers([3], 0, 0, 1), integers([1], 1), tall, 4, 2)
    expect(numbers(one).w).toEqual([
      [4, 2],
      [0, 0, 0, 0, 0, 8, 0, 9],
    ])
  })

  it('one that is a parameter, or was written by an older program', () => {
    const stored = { places: integers([2, 1], 0, 0), values: floats([1], 5) }
    const old = read(stored, (t) => {
      const one = call(
        named('torch._utils', '_rebuild_sparse_tensor'),
        named('torch', 'sparse_coo'),
        tuple(t.places, t.values, size(1, 1)),
      )
      return dict([['w', call(named('torch._utils', '_rebuild_parameter'), one, [0x88], NONE)]])
    })
    expect(numbers(old).w).toEqual([[1, 1], [5]])
  })

  it.each<[string, () => unknown, string]>([
    ['a place outside', () => coo(integers([2, 1], 0, 3), floats([1], 5), 2, 3), 'has a value at 3, expected 0 to 2'],
    ['a negative place', () => coo(integers([2, 1], -1, 0), floats([1], 5), 2, 3), 'has a value at -1, expected'],
    ['too few values', () => coo(integers([2, 2], 0, 1, 0, 1), floats([1], 5), 2, 3), 'has places of shape [2,2] and'],
    ['places that are no numbers', () => coo(floats([2, 1], 0, 0), floats([1], 5), 2, 3), 'has places of type F32'],
    [
      'starts that go back',
      () => by('sparse_csr', integers([3], 0, 2, 1), integers([1], 0), floats([1], 5), 2, 3),
      'has starts that do not ascend',
    ],
    [
      'too few starts',
      () => by('sparse_csr', integers([2], 0, 1), integers([1], 0), floats([1], 5), 2, 3),
      'has starts of shape [2] and values of shape [1], which do not make the shape [2,3]',
    ],
    [
      'blocks that do not fit',
      () => by('sparse_bsr', integers([2], 0, 1), integers([1], 0), floats([1, 2, 2], 1, 2, 3, 4), 2, 3),
      'which do not make the shape [2,3]',
    ],
    ['no parts', () => read({ a: floats([1], 1) }, () => sparse('sparse_coo')), 'a sparse tensor without places'],
    [
      'a layout that is not known',
      () => read({ a: floats([1], 1) }, (t) => sparse('jagged', t.a, t.a, size(1, 1))),
      'tensor w has the layout jagged, expected dense or sparse values',
    ],
    [
      'more zeros than memory',
      () => coo(integers([2, 1], 0, 0), floats([1], 5), 2 ** 20, 2 ** 20),
      'bytes when dense, expected at most 1073741824',
    ],
  ])('%s is refused', (_, refused, message) => {
    expect(refused).toThrow(UserError)
    expect(refused).toThrow(/^x\.pth[^\n]*$/)
    expect(refused).toThrow(message)
  })
})

it('expanded tensors repeat their values, but not without end', () => {
  const bias = { ...floats([300], 2), strides: [0] }
  expect(numbers(read({ 'fc.bias': bias }, plain))).toEqual({ 'fc.bias': [[300], new Array(300).fill(2)] })
  const rows = { ...floats([2, 3], 1, 2, 3), strides: [0, 1] }
  expect(numbers(read({ w: rows }, plain)).w).toEqual([
    [2, 3],
    [1, 2, 3, 1, 2, 3],
  ])
  const huge = { ...floats([2 ** 15, 2 ** 15], 2), strides: [0, 0] }
  expect(() => read({ w: huge }, plain)).toThrow(/take 4294967296 bytes when dense, expected at most/)
})

it('tensors say their type, where storages do not', () => {
  const values = Float32Array.of(1, 2)
  const id = tuple(text('storage'), named('torch.storage', 'UntypedStorage'), text('0'), text('cpu'), int(8))
  const typed = (type: string, ...shape: number[]) =>
    call(
      named('torch._utils', '_rebuild_tensor_v3'),
      [...id, 0x51],
      ...[int(0), tuple(...shape.map(int)), tuple(...shape.map(() => int(1))), [0x89], NONE, named('torch', type)],
    )
  const of = (one: number[]) => parseTorch(zipCheckpoint({ w: { values, shape: [2] } }, dict([['w', one]])), 'x.pth')
  expect(numbers(of(typed('float32', 2)))).toEqual({ w: [[2], [1, 2]] })
  expect(() => of(typed('float32', 3))).toThrow('a tensor without a valid shape')
  expect(() => of(typed('float8_e5m2', 2))).toThrow(
    'x.pth: tensor w is of the type torch.float8_e5m2, expected dense or sparse values of a plain type',
  )
})

it('a tensor of a class with attributes, or one that is stored negated', () => {
  const stored = { w: floats([1, 2], 1, 2) }
  const args = (t: Record<string, number[]>) => t.w.slice('ctorch._utils\n_rebuild_tensor_v2\n'.length, -1)
  const withAttributes = read(stored, (t) =>
    dict([
      [
        'w',
        call(
          named('torch._tensor', '_rebuild_from_type_v2'),
          ...[named('torch._utils', '_rebuild_tensor_v2'), named('torch', 'Tensor'), args(t), dict([['a', int(1)]])],
        ),
      ],
    ]),
  )
  expect(numbers(withAttributes)).toEqual({
    w: [
      [1, 2],
      [1, 2],
    ],
  })
  const negated = () =>
    read(stored, (t) => dict([['w', [...t.w.slice(0, -2), ...dict([['neg', [0x88]]]), 0x74, 0x52]]]))
  expect(negated).toThrow('x.pth: tensor w is stored conjugated or negated')
})

describe('whole modules', () => {
  const module = (name: string, parts: Record<string, [string, number[]][]>, passing: string[] = []) =>
    build(
      newObject(named('net', name)),
      dict([
        ['training', [0x88]],
        ['_parameters', dict(parts.parameters ?? [])],
        ['_buffers', dict(parts.buffers ?? [])],
        ['_non_persistent_buffers_set', set(...passing.map(text))],
        ['_modules', dict(parts.modules ?? [])],
      ]),
    )
  const stored = { w: floats([2, 1], 1, 2), b: floats([2], 3, 4), m: floats([2], 5, 6) }

  const net = (t: Record<string, number[]>) => {
    const fc = module('Linear', {
      parameters: [
        ['weight', t.w],
        ['bias', NONE],
      ],
    })
    const bn = module(
      'Norm',
      {
        parameters: [['bias', t.b]],
        buffers: [
          ['mean', t.m],
          ['passing', t.m],
        ],
      },
      ['passing'],
    )
    return module('Net', {
      modules: [
        ['fc', fc],
        ['act', NONE],
        ['bn', bn],
      ],
    })
  }
  const expected = {
    'fc.weight': [
      [2, 1],
      [1, 2],
    ],
    'bn.bias': [[2], [3, 4]],
    'bn.mean': [[2], [5, 6]],
  }

  it('have the names of their state dict', () => {
    expect(numbers(read(stored, net))).toEqual(expected)
    expect(
      numbers(
        read(stored, (t) =>
          dict([
            ['epoch', int(1)],
            ['model', net(t)],
          ]),
        ),
      ),
    ).toEqual(expected)
    const traced = read(stored, (t) =>
      call(named('torch.fx.graph_module', 'reduce_graph_module'), net(t).slice(net(t).indexOf(0x7d), -1), text('code')),
    )
    expect(numbers(traced)).toEqual(expected)
  })

  it('of TorchScript too', () => {
    const script = (name: string, attributes: [string, number[]][]) =>
      build(newObject(named(`__torch__.${name}`, 'M')), dict(attributes))
    const file = read(stored, (t) =>
      script('net', [
        ['training', [0x89]],
        ['fc', script('fc', [['weight', t.w]])],
      ]),
    )
    expect(numbers(file)).toEqual({ 'fc.weight': expected['fc.weight'] })
  })

  it('with a part that keeps its values in a way of its own are refused, as what is no module', () => {
    const quantized = build(newObject(named('q', 'Packed')), tuple(int(1)))
    const outer = (t: Record<string, number[]>) =>
      module('Net', { parameters: [['weight', t.w]], modules: [['packed', quantized]] })
    expect(() => read(stored, outer)).toThrow('x.pth: tensor packed is a q.Packed, which keeps its values in a way')
    const packed = build(newObject(named('torch.nn.quantized.dynamic', 'Linear')), dict([['_modules', dict([])]]))
    const mixed = (t: Record<string, number[]>) =>
      module('Net', { parameters: [['weight', t.w]], modules: [['fc', packed]] })
    expect(() => read(stored, mixed)).toThrow('x.pth: tensor fc is a torch.nn.quantized.dynamic.Linear, which keeps')
    const other = build(newObject(named('jax', 'Net')), tuple(int(1)))
    expect(() => read(stored, () => other)).toThrow('found no tensors by name in jax.Net: save model.state_dict()')
  })

  it('that hold themselves, or one another without end, are refused at once', () => {
    const put = (key: number) => [0x71, key]
    const modules = (inner: number[]) => dict([['_modules', inner]])
    // An object whose state refers to it.
    const itself = build([...newObject(named('net', 'N')), ...put(1)], modules(dict([['a', [0x68, 1]]])))
    expect(() => read(stored, () => itself)).toThrow(/found no tensors by name in net\.N/)
    let chain = module('Leaf', {})
    for (let i = 0; i < 60; i++) {
      const first = [...chain, ...put(i)]
      chain = module('Pair', {
        modules: [
          ['a', first],
          ['b', [0x68, i]],
        ],
      })
    }
    const start = performance.now()
    expect(() => read(stored, () => chain)).toThrow(UserError)
    expect(performance.now() - start).toBeLessThan(5000)
    let lists = list()
    for (let i = 0; i < 60; i++) lists = list([...lists, ...put(i)], [0x68, i])
    expect(() => read(stored, () => lists)).toThrow(/found no tensors by name in a list/)
  })
})
