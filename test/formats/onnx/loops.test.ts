import { describe, expect, it } from 'vitest'
import { type Body, type ModelText, mixed, modelBytes, type Stored } from './models.ts'
import { expectOutputs, here } from './outputs.ts'

const floats = (shape: readonly number[], seed = 1): Stored => ({
  shape,
  values: mixed(
    shape.reduce((a, b) => a * b, 1),
    seed,
  ),
})
const scalar = (value: number, type: Stored['type'] = 'int64'): Stored => ({ shape: [], values: [value], type })
const ints = (...values: number[]): Stored => ({ shape: [values.length], values, type: 'int64' })

/** state = state w + outer; collects relu(state) and the number of the step. */
const body: Body = {
  inputs: ['i:int64', 'going:bool', 'state'],
  stored: { w: floats([4, 4]) },
  steps: [
    { op: 'Identity', in: ['going'], out: 'on' },
    { op: 'MatMul', in: ['state', 'w'], out: 'p' },
    { op: 'Add', in: ['p', 'outer'], out: 'next' },
    { op: 'Relu', in: ['next'], out: 'r' },
    { op: 'Cast', in: ['i'], out: 'f', with: { to: 1 } },
  ],
  outputs: ['on:bool', 'next', 'r', 'f'],
}

const looped = (steps: number, more: Partial<ModelText> = {}): ModelText => ({
  inputs: { x: [2, 4] },
  stored: { m: scalar(steps), outer: floats([1, 4], 3) },
  steps: [{ op: 'Loop', in: ['m', '', 'x'], out: ['y', 'all', 'numbers'], with: { body: { graph: body } } }],
  outputs: ['y', 'all', 'numbers'],
  ...more,
})

describe('Loop', () => {
  it.each([1, 3])('of %i steps, with a state and what it collects', (steps) =>
    expectOutputs(modelBytes(looped(steps)), {}, 2),
  )

  it('as often as a given input says', () => {
    const inputs = { x: [2, 4], m: { shape: [], type: 'int64' } } as const
    return expectOutputs(
      modelBytes(looped(0, { inputs, stored: { outer: floats([1, 4], 3) } })),
      { given: { m: 4 } },
      2,
    )
  })

  it('until its condition no longer holds', () =>
    expectOutputs(
      modelBytes({
        inputs: { x: [1, 4] },
        stored: { yes: scalar(1, 'bool'), most: scalar(3), one: scalar(1), start: scalar(0) },
        steps: [
          {
            op: 'Loop',
            in: ['', 'yes', 'x', 'start'],
            out: ['y', 'count', 'all'],
            with: {
              body: {
                graph: {
                  inputs: ['i:int64', 'going:bool', 'state', 'n:int64'],
                  steps: [
                    { op: 'Add', in: ['n', 'one'], out: 'more' },
                    { op: 'Less', in: ['more', 'most'], out: 'on' },
                    { op: 'Add', in: ['state', 'x'], out: 'next' },
                  ],
                  outputs: ['on:bool', 'next', 'more:int64', 'next'],
                },
              },
            },
          },
          { op: 'Cast', in: ['count'], out: 'steps', with: { to: 1 } },
        ],
        outputs: ['y', 'all', 'steps'],
      }),
    ))

  it('refuses a number of steps that is computed, and one without an end', () => {
    const inputs = { x: [2, 4], m: { shape: [], type: 'int64' } } as const
    const open = looped(0, { inputs, stored: { outer: floats([1, 4], 3) } })
    expect(() => here(modelBytes(open), {}, 2)).toThrow(
      'm.onnx: node y (Loop): the number of its steps is computed while the network runs, expected it to be known beforehand (an input of the model is said with --given m=NUMBER)',
    )
    const endless = looped(1, { stored: { yes: scalar(1, 'bool'), outer: floats([1, 4], 3) } })
    endless.steps = [{ ...endless.steps[0], in: ['', 'yes', 'x'] }]
    expect(() => here(modelBytes(endless), {}, 2)).toThrow('m.onnx: node y (Loop): it has more than 2000 steps')
  })

  it('refuses what is empty, since it has no steps', () =>
    expect(() => here(modelBytes(looped(0)), {}, 2)).toThrow(
      'm.onnx: node y (Loop): it has no steps, so that all is empty',
    ))
})

/** sum += a b, collecting the sum and the product with what is scanned of b. */
const running: Body = {
  inputs: ['sum', 'a', 'b'],
  steps: [
    { op: 'Mul', in: ['a', 'b'], out: 'ab' },
    { op: 'Add', in: ['sum', 'ab'], out: 'next' },
    { op: 'Identity', in: ['next'], out: 'seen' },
    { op: 'Sub', in: ['ab', 'a'], out: 'pair' },
  ],
  outputs: ['next', 'seen', 'pair'],
}

describe('Scan', () => {
  it.each([
    ['over first axes', {}, [3, 5], [3, 5]],
    ['backwards, with axes of its own', { scan_input_axes: [1, -1], scan_input_directions: [0, 1] }, [5, 3], [5, 3]],
    [
      'collecting backwards along other axes',
      { scan_output_axes: [1, -1], scan_output_directions: [1, 0] },
      [3, 5],
      [3, 5],
    ],
  ])('%s', (_what, attributes, a, b) =>
    expectOutputs(
      modelBytes({
        inputs: { s: [5], a, b },
        steps: [
          {
            op: 'Scan',
            in: ['s', 'a', 'b'],
            out: ['y', 'sums', 'pairs'],
            with: { num_scan_inputs: 2, body: { graph: running }, ...attributes },
          },
        ],
        outputs: ['y', 'sums', 'pairs'],
      }),
      {},
      5,
    ),
  )

  it('of what is known, and of weights along an axis', () =>
    expectOutputs(
      modelBytes({
        inputs: { x: [2, 4] },
        stored: { ws: floats([3, 4, 4]), lengths: ints(2, 3, 5) },
        steps: [
          {
            op: 'Scan',
            in: ['x', 'ws', 'lengths'],
            out: ['y', 'squares'],
            with: {
              num_scan_inputs: 2,
              body: {
                graph: {
                  inputs: ['state', 'w', 'n:int64'],
                  steps: [
                    { op: 'MatMul', in: ['state', 'w'], out: 'next' },
                    { op: 'Mul', in: ['n', 'n'], out: 'square' },
                  ],
                  outputs: ['next', 'square:int64'],
                },
              },
            },
          },
          { op: 'Cast', in: ['squares'], out: 'z', with: { to: 1 } },
        ],
        outputs: ['y', 'z'],
      }),
      {},
      2,
    ))

  it('refuses sequences of different lengths', () =>
    expect(() =>
      here(
        modelBytes({
          inputs: { s: [5], a: [3, 5], b: [4, 5] },
          steps: [
            {
              op: 'Scan',
              in: ['s', 'a', 'b'],
              out: ['y', 'z', 'p'],
              with: { num_scan_inputs: 2, body: { graph: running } },
            },
          ],
          outputs: ['y'],
        }),
      ),
    ).toThrow('node y (Scan): expected sequences of one length above 0, found lengths of 3 and 4'))
})
