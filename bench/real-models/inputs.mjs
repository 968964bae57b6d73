/**
 * @file Random inputs of a model, the same for this engine and for ONNX Runtime. What lies in the plane of
 * an image, or along a sound, changes smoothly with some noise on it, by default with a mean of 0 and a
 * deviation of 1 (`range`); whole numbers are 0 and 1, or below what the settings say.
 */
import { modelInputs, shaped } from '../../dist/formats/onnx/model-inputs.js'
import { isFloating } from '../../dist/formats/onnx/tensor.js'
import { random } from '../../dist/util/random.js'

/** How a file is read for a number of samples. */
export const readingOf = ({ sizes = {}, batch = [], given, plane }, samples) => ({
  sizes: { ...sizes, ...Object.fromEntries(batch.map((size) => [size, samples])) },
  ...(given && { given }),
  ...(plane && { plane }),
})

/**
 * One sample by name, as if it were alone: `sample` says which.
 * @returns {Map<string, { shape: readonly number[], type: string, values: Float32Array }>}
 */
export function sampleOf(file, settings, sample) {
  const reading = readingOf(settings, 1)
  return new Map(
    shaped(modelInputs(file, reading), 1, reading, file.path).map(({ name, type, shape }) => {
      const draw = random(7, `input ${name}`, sample)
      const below = settings.below?.[name] ?? 2
      const [mean, spread] = settings.range ?? [0, 1]
      const floats = () => smooth(shape, draw).map((x) => mean + spread * x)
      return [name, { type, shape, values: isFloating(type) ? floats() : whole(shape, draw, below) }]
    }),
  )
}

const sizeOf = (shape) => shape.reduce((product, n) => product * n, 1)

const whole = (shape, draw, below) => Float32Array.from({ length: sizeOf(shape) }, () => draw.below(below))

/** Periods of the waves, as shares of an axis. */
const PERIODS = [1, 1 / 3, 1 / 9]

/** Waves along the longest two axes, others in each channel, and a third of noise: variance 1. */
function smooth(shape, draw) {
  const long = [...shape.keys()].sort((a, b) => shape[b] - shape[a]).slice(0, 2)
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))
  const channels = new Map()
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
    const at = shape.map((size, axis) => Math.floor(i / strides[axis]) % size)
    const key = at.filter((_, axis) => !long.includes(axis)).join()
    if (!channels.has(key))
      channels.set(
        key,
        PERIODS.map((period) => waveOf(period, draw)),
      )
    const waves = channels.get(key).map((wave) => wave(...long.map((axis) => at[axis] / shape[axis])))
    return (
      (0.94 * Math.SQRT2 * waves.reduce((sum, wave) => sum + wave, 0)) / Math.sqrt(PERIODS.length) + draw.normal() / 3
    )
  })
}

function waveOf(period, draw) {
  const [a, b, phase] = [draw.uniform(), draw.uniform(), draw.uniform()]
  return (x, y = 0) => Math.sin(2 * Math.PI * (phase + (x * (0.5 + a) + y * (0.5 + b)) / period))
}
