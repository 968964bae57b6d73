/**
 * @file Recurrent models of sound take folders of .wav files: their states are what they made of the sound
 * before.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { random } from '../../src/util/random.ts'
import { sound16, wavBytes } from '../data/arrays/array-files.ts'
import { severalWritten } from '../formats/onnx/several.ts'
import { runModel } from '../support/onnx.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const [LENGTH, STATE] = [8, 5]
const draw = random(3, 'recurrent')
const stored = (...shape: number[]) => {
  const values = Array.from({ length: shape.reduce((a, b) => a * b) }, () => draw.normal() / Math.sqrt(shape[0]))
  return { shape, values }
}

let folder: string
let model: string
let sounds: string
let waves: number[][]

/** A layer over a stretch of sound and the state, whose new state is read by one output. */
beforeEach(() => {
  folder = temporaryFolder()
  model = join(folder, 'model.onnx')
  sounds = join(folder, 'sounds')
  const bytes = severalWritten(
    { wave: [-1, LENGTH], state: [-1, STATE] },
    { heard: [-1, 1], stateN: [-1, STATE] },
    {
      stored: { w: stored(LENGTH, STATE), r: stored(STATE, STATE), o: stored(STATE, 1) },
      steps: [
        { op: 'MatMul', inputs: ['wave', 'w'], output: 'a' },
        { op: 'MatMul', inputs: ['state', 'r'], output: 'b' },
        { op: 'Add', inputs: ['a', 'b'], output: 's' },
        { op: 'Tanh', inputs: ['s'], outputs: ['stateN'] },
        { op: 'MatMul', inputs: ['stateN', 'o'], outputs: ['heard'] },
      ],
    },
  )
  writeFileSync(model, bytes)
  mkdirSync(sounds)
  waves = [20, 13].map((stretches) => Array.from({ length: stretches * LENGTH + 3 }, () => draw.below(40_000) - 20_000))
  for (const [i, wave] of waves.entries()) writeFileSync(join(sounds, `${i}.wav`), wavBytes({ data: sound16(wave) }))
})

/** All outputs for the stretches of each sound, by ONNX Runtime, one after the other. */
async function heard(path: string, states: number[][]): Promise<{ outputs: number[][]; states: number[][] }> {
  const bytes = readFileSync(path)
  const outputs: number[][] = []
  const found: number[][] = []
  for (const wave of waves) {
    let state = Array(STATE).fill(0)
    for (let at = 0; at + LENGTH <= wave.length; at += LENGTH) {
      // What was carried by the dense model, where that is known.
      state = states[found.length] ?? state
      found.push(state)
      const values = wave.slice(at, at + LENGTH).map((value) => value / 2 ** 15)
      const feeds = { wave: { shape: [1, LENGTH], values }, state: { shape: [1, STATE], values: state } }
      const results = await runModel(bytes, new Map(Object.entries(feeds)))
      state = [...results.get('stateN')!]
      outputs.push([...results.get('heard')!, ...state])
    }
  }
  return { outputs, states: found }
}

/** The distance of an output: squared differences over the variance of the dense one, of the test samples. */
function distance(dense: number[][], pruned: number[][], places: readonly number[]): number {
  const isTest = (_: unknown, n: number) => n % 5 === 4
  const [before, after] = [dense, pruned].map((rows) => rows.filter(isTest).map((row) => places.map((k) => row[k])))
  const values = before.flat()
  const mean = values.reduce((all, value) => all + value, 0) / values.length
  const sum = (of: (n: number, k: number) => number) =>
    before.reduce((all, row, n) => all + row.reduce((some, _, k) => some + of(n, k), 0), 0)
  return sum((n, k) => (after[n][k] - before[n][k]) ** 2) / sum((n, k) => (before[n][k] - mean) ** 2)
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await espalier([...args, '--json'])
  // On a busy machine a line may say how long it will still take.
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return jsonLines(stdout).at(-1)!
}

const NOTE = 'states are those after the stretch of sound before (state from stateN), zeros where a file begins'

it.each([[[]], [['--engine', 'onnxruntime']]])(
  'prune and eval %j: distances are those of the sound as it goes on',
  async (engine) => {
    const out = join(folder, 'pruned.onnx')
    const flags = engine.length > 0 ? engine : ['--polish', '0']
    const pruned = await json(
      'prune',
      model,
      '--method',
      'obc',
      '--sparsity',
      '0.5',
      '--data',
      sounds,
      ...flags,
      '-o',
      out,
    )
    expect(pruned.notes).toContain(NOTE)
    const dense = await heard(model, [])
    const there = await heard(out, dense.states)
    const all = Array.from({ length: STATE }, (_, k) => 1 + k)
    const [output, state] = [[0], all].map((places) => distance(dense.outputs, there.outputs, places))
    expect(output).toBeGreaterThan(0.001)
    const evaluated = await json('eval', out, '--dense', model, '--data', sounds, ...engine)
    for (const found of [pruned.final, evaluated] as { loss: number; count: number }[]) {
      expect(found.count).toBe(6)
      expect(found.loss).toBeCloseTo(output + state, 4)
    }
    const one = await json('eval', out, '--dense', model, '--data', sounds, '--only-output', 'heard', ...engine)
    expect(one.loss).toBeCloseTo(output, 4)
  },
)

it('compare takes such folders, too', async () => {
  const { stdout, code } = await espalier(['compare', model, model, '--data', sounds, '--json'])
  expect(code).toBe(0)
  expect(stdout).toContain('"loss":0')
})

it('says what an input is that is no state', async () => {
  const bytes = severalWritten(
    { wave: [-1, LENGTH], other: [-1, 2] },
    { y: [-1, LENGTH + 2] },
    { stored: {}, steps: [{ op: 'Concat', inputs: ['wave', 'other'], outputs: ['y'], attributes: { axis: 1 } }] },
  )
  writeFileSync(model, bytes)
  const { code, stderr } = await espalier(['eval', model, '--dense', model, '--data', sounds])
  expect([code, stderr]).toEqual([
    1,
    `espalier: ${join(sounds, '0.wav')} does not say for which input it is: expected wave, other as its name\n`,
  ])
})
