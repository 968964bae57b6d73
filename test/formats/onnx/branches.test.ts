import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { graphOf } from '../../../src/models/model.ts'
import { type Body, type ModelText, mixed, modelBytes, type Stored } from './models.ts'
import { expectOutputs, here } from './outputs.ts'

const matrix = (rows: number, columns: number, seed = 1): Stored => ({
  shape: [rows, columns],
  values: mixed(rows * columns, seed),
})
const scalar = (value: number, type: Stored['type'] = 'float'): Stored => ({ shape: [], values: [value], type })

/** One product with a matrix that the branch stores, and the sum with a name from outside. */
const layer = (output: string, seed: number, columns = 3): Body => ({
  stored: { w: matrix(5, columns, seed) },
  steps: [
    { op: 'MatMul', in: ['x', 'w'], out: `${output}.product` },
    { op: 'Add', in: [`${output}.product`, 'outer'], out: output },
  ],
  outputs: [output],
})

/** y = x w + outer, with one of two matrices, by the rate that is an input. */
const byRate: ModelText = {
  inputs: { x: ['N', 5], sr: { shape: [], type: 'int64' } },
  stored: { rate: scalar(16000, 'int64'), outer: { shape: [1, 3], values: mixed(3, 9) } },
  steps: [
    { op: 'Equal', in: ['sr', 'rate'], out: 'is16k' },
    {
      op: 'If',
      name: 'pick',
      in: ['is16k'],
      out: 'y',
      with: { then_branch: { graph: layer('a', 1) }, else_branch: { graph: layer('b', 2) } },
    },
  ],
  outputs: ['y'],
}

describe('If', () => {
  it.each([16000, 8000])('takes the branch of a number that is given (%i)', async (sr) => {
    await expectOutputs(modelBytes(byRate), { given: { sr } }, 3)
  })

  it('nests, sees names of all graphs around it, and its own first', () =>
    expectOutputs(
      modelBytes({
        inputs: { x: ['N', 5] },
        stored: { two: scalar(2, 'int64'), zero: scalar(0, 'int64'), outer: matrix(1, 3, 4), w: matrix(5, 3, 8) },
        steps: [
          { op: 'Shape', in: ['x'], out: 'shape' },
          { op: 'Size', in: ['shape'], out: 'rank' },
          { op: 'Equal', in: ['rank', 'two'], out: 'flat' },
          {
            op: 'If',
            in: ['flat'],
            out: ['y', 'z'],
            with: {
              then_branch: {
                graph: {
                  stored: { w: matrix(5, 3, 5) },
                  steps: [
                    { op: 'MatMul', in: ['x', 'w'], out: 'p' },
                    { op: 'Equal', in: ['rank', 'zero'], out: 'scalar' },
                    {
                      op: 'If',
                      in: ['scalar'],
                      out: 'q',
                      with: {
                        then_branch: { graph: { steps: [{ op: 'Neg', in: ['p'], out: 'n' }], outputs: ['n'] } },
                        else_branch: { graph: layer('m', 6) },
                      },
                    },
                    { op: 'Add', in: ['p', 'q'], out: 's' },
                  ],
                  outputs: ['s', 'p'],
                },
              },
              else_branch: {
                graph: { steps: [{ op: 'Relu', in: ['x'], out: 'r' }], outputs: ['r', 'r'] },
              },
            },
          },
        ],
        outputs: ['y', 'z'],
      }),
      {},
      4,
    ))

  const computed = (columns: number): ModelText => ({
    inputs: { x: [1, 5], flag: { shape: [1], type: 'bool' }, low: [] },
    stored: { outer: matrix(1, 1, 4) },
    steps: [
      { op: 'Identity', in: ['flag'], out: 'test' },
      {
        op: 'If',
        in: ['test'],
        out: 'y',
        with: { then_branch: { graph: layer('a', 1) }, else_branch: { graph: layer('b', 2, columns) } },
      },
    ],
    outputs: ['y'],
  })

  it.each([0, 1])('runs both branches of a condition that is computed, and chooses (%i)', async (flag) => {
    const feeds = { flag: [flag] }
    await expectOutputs(modelBytes(computed(3)), { feeds })
    const [one, other] = [0, 1].map(
      (value) => here(modelBytes(computed(3)), { feeds: { flag: [value] } }).get('y')!.values,
    )
    expect(one).not.toEqual(other)
  })

  it('refuses branches of different shapes, and names the flag', async () => {
    expect(() => here(modelBytes(computed(4)))).toThrow(
      'm.onnx: node y (If): its condition is computed while the network runs, and its branches give [1,3] and [1,4]: expected one shape of both, or the condition to be known, as by --given flag=NUMBER',
    )
    await expectOutputs(modelBytes(computed(4)), { given: { flag: 0 }, feeds: { flag: [0] } })
  })

  it('says which node inside of it does not run', () => {
    const wrong = {
      ...byRate,
      steps: [
        byRate.steps[0],
        {
          ...byRate.steps[1],
          with: {
            then_branch: { graph: { steps: [{ op: 'Bernoulli', in: ['x'], out: 'a', name: 'dice' }], outputs: ['a'] } },
            else_branch: { graph: layer('b', 2) },
          },
        },
      ],
    }
    expect(() => here(modelBytes(wrong), { given: { sr: 16000 } })).toThrow(
      /^m\.onnx: node dice \(Bernoulli\): the operator Bernoulli does not run here$/,
    )
    expect(here(modelBytes(wrong), { given: { sr: 1 } }).get('y')!.shape).toEqual([1, 3])
  })
})

describe('weights inside of branches', () => {
  it('are weights of the network under their keys', () => {
    const { onnx } = readOnnx(modelBytes(byRate), 'm.onnx', { given: { sr: 16000 } })
    if (onnx.network instanceof Error) throw onnx.network
    const [weight] = prunableParameters(graphOf(onnx.network.model))
    expect(weight.name).toBe('pick/then_branch/w')
    expect(onnx.network.origins.get(weight.name)?.source).toMatchObject({ key: 'pick/then_branch/w', transposed: true })
  })
})
