/**
 * @file The networks that bench/models writes are valid, take batches of any size, and are networks: each
 * output depends on the sample, and on nothing of the others.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { random } from '../../src/util/random.ts'
import { compiled, root } from '../cli/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'espalier-models-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (to: string, ...args: string[]) =>
  execFileSync(process.execPath, [join(root, 'bench/models/write.mjs'), to, '--small', ...args])

beforeAll(async () => {
  await compiled()
  write(folder)
}, 180_000)

const names = ['mobilenet-ssd', 'yolo', 'u-net', 'crnn', 'vit', 'minilm', 'whisper-encoder', 'silero']
/** Sizes that the files leave open, and outputs whose samples are along axis 1. */
const OPEN: Record<string, number> = { sequence: 11 }
const SECOND = ['crnn', 'stateN']

/** Inputs of three samples, or of one of them. */
function feedsOf(session: InferenceSession, sample?: number): Record<string, Tensor> {
  const draw = random(3, 'models')
  return Object.fromEntries(
    session.inputMetadata.map((input) => {
      if (!input.isTensor) throw new Error(`${input.name} is not a tensor`)
      const dims = input.shape.map((size) => (typeof size === 'number' ? size : (OPEN[size] ?? 3)))
      const count = dims.reduce((product, size) => product * size, 1)
      const whole = input.type === 'int64'
      const values = Array.from({ length: count }, () => (whole ? Number(draw.uniform() < 0.8) : draw.normal()))
      const axis = input.shape.indexOf('batch')
      const [kept, shape] = sample === undefined || axis < 0 ? [values, dims] : ofSample(values, dims, axis, sample)
      if (input.name === 'sr') kept[0] = 16000
      const data = whole ? BigInt64Array.from(kept, BigInt) : Float32Array.from(kept)
      return [input.name, new Tensor(data, shape)]
    }),
  )
}

function ofSample(values: ArrayLike<number>, dims: readonly number[], axis: number, sample: number) {
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1)
  const kept = Array.from(values).filter((_, i) => Math.floor(i / inner) % dims[axis] === sample)
  return [kept, dims.with(axis, 1)] as const
}

it('the script writes all of them, and the same again', () => {
  expect(readdirSync(folder).sort()).toEqual(names.map((name) => `${name}.onnx`).sort())
  const again = join(folder, 'again')
  write(again, 'crnn', 'silero')
  expect(readdirSync(again).sort()).toEqual(['crnn.onnx', 'silero.onnx'])
  for (const file of readdirSync(again))
    expect(readFileSync(join(again, file))).toEqual(readFileSync(join(folder, file)))
  expect(() => write(again, 'alexnet')).toThrow(/there is no network named alexnet/)
  rmSync(again, { recursive: true })
})

describe.each(names)('%s', (name) => {
  it('computes for each sample what it computes for that sample alone, and something else for each', async () => {
    const session = await InferenceSession.create(join(folder, `${name}.onnx`), { logSeverityLevel: 3 })
    const together = await session.run(feedsOf(session))
    const alone = [await session.run(feedsOf(session, 0)), await session.run(feedsOf(session, 2))]
    for (const output of session.outputNames) {
      const { data, dims } = together[output]
      const axis = SECOND.includes(name) || SECOND.includes(output) ? 1 : 0
      const rows = [0, 2].map((sample) => ofSample(data as Float32Array, dims, axis, sample)[0])
      const largest = Math.max(...rows.flat().map(Math.abs))
      expect(largest).toBeLessThan(200)
      rows.forEach((row, i) => {
        const single = alone[i][output].data as Float32Array
        expect(row.length).toBe(single.length)
        expect(Math.max(...row.map((value, j) => Math.abs(value - single[j])))).toBeLessThan(1e-5 * largest)
      })
      const apart = rows[0].map((value, j) => Math.abs(value - rows[1][j]))
      expect(Math.max(...apart)).toBeGreaterThan(1e-3 * largest)
    }
    await session.release()
  })
})
