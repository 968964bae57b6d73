/**
 * @file A detector of voices of the shape of Silero VAD: a branch for each sampling rate, chosen by an input,
 * with a Fourier transform as a convolution, convolutions along time, and an LSTM whose state is an input and
 * an output.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { conv } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { samples: 576, windows: { high: 256, low: 128 }, widths: [128, 64, 64, 128] },
  small: { samples: 80, windows: { high: 32, low: 16 }, widths: [8, 4, 4, 8] },
}
/** Strides of the convolutions. */
const STRIDES = [1, 2, 2, 1]
const RATE = 16000

export function silero(size = 'full') {
  const { samples, windows, widths } = sizes[size]
  const hidden = widths.at(-1)
  const w = new Writer({ opset: 16 })
  w.input('input', ['batch', samples])
  w.input('state', [2, 'batch', hidden])
  const rate = w.input('sr', [], DataType.INT64)
  const branch = (name) => w.branch((inner) => detector(inner, name, windows[name], widths))
  const condition = w.node('Equal', [rate, w.integers(RATE)])
  const branches = { then_branch: branch('high'), else_branch: branch('low') }
  const [score, state] = w.node('If', [condition], branches, 2)
  w.output('output', score, ['batch', 1])
  w.output('stateN', state, [2, 'batch', hidden])
  return w.bytes('silero')
}

/** The network of one rate, which reads `input` and `state` of the graph around it. */
function detector(w, name, window, widths) {
  const hop = window / 2
  const hidden = widths.at(-1)
  const frequencies = window / 2 + 1
  const padded = w.node('Pad', ['input', w.integers([0, 0, 0, hop / 2])], { mode: 'reflect' })
  const sound = w.node('Unsqueeze', [padded, w.integers([1])])
  const basis = w.floats(`${name}.basis`, [2 * frequencies, 1, window], fourier(window))
  const waves = w.node('Conv', [sound, basis], { kernel_shape: [window], strides: [hop] })
  const [real, imaginary] = [
    [0, frequencies],
    [frequencies, 2 * frequencies],
  ].map(([from, to]) => w.node('Slice', [waves, w.integers([from]), w.integers([to]), w.integers([1])]))
  const squares = [real, imaginary].map((part) => w.node('Pow', [part, w.scalar(2)]))
  let x = w.node('Sqrt', [w.node('Add', squares)])
  let channels = frequencies
  for (const [i, to] of widths.entries()) {
    x = w.node('Relu', [conv(w, `${name}.encoder.${i}`, x, [channels, to], 3, { axes: 1, stride: STRIDES[i] })])
    channels = to
  }
  const steps = w.node('Transpose', [x], { perm: [2, 0, 1] })
  const [h, c] = w.node('Split', ['state'], { axis: 0 }, 2)
  const weights = [
    w.weight(`${name}.lstm.W`, [1, 4 * hidden, channels], 1 / Math.sqrt(channels)),
    w.weight(`${name}.lstm.R`, [1, 4 * hidden, hidden], 1 / Math.sqrt(hidden)),
    w.weight(`${name}.lstm.B`, [1, 8 * hidden], 0.05),
  ]
  const [, last, cell] = w.node('LSTM', [steps, ...weights, '', h, c], { hidden_size: hidden }, 3)
  const state = w.node('Concat', [last, cell], { axis: 0 })
  const rows = w.node('Transpose', [last], { perm: [1, 2, 0] })
  const score = conv(w, `${name}.decoder`, w.node('Relu', [rows]), [hidden, 1], 1, { axes: 1 })
  const mean = w.node('ReduceMean', [w.node('Sigmoid', [score])], { axes: [2], keepdims: 0 })
  w.output(`${name}.output`, mean, ['batch', 1])
  w.output(`${name}.stateN`, state, [2, 'batch', hidden])
}

/** Cosines and sines of all frequencies of a window, under Hann's. */
function fourier(window) {
  const frequencies = window / 2 + 1
  return Array.from({ length: 2 * frequencies * window }, (_, i) => {
    const [row, at] = [Math.floor(i / window), i % window]
    const angle = (2 * Math.PI * (row % frequencies) * at) / window
    const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / window)
    return hann * (row < frequencies ? Math.cos(angle) : -Math.sin(angle))
  })
}
