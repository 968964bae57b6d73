/**
 * @file A recognizer of text of the shape of CRNN (Shi et al. 2015): convolutions down to one row of columns,
 * two LSTMs that run in both directions, and a row of scores for each column.
 */
import { batchNorm, conv, linear } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { columns: 128, classes: 37, widths: [64, 128, 256, 256, 512, 512, 512], hidden: 256 },
  small: { columns: 32, classes: 5, widths: [4, 6, 8, 8, 12, 12, 12], hidden: 6 },
}

/** Pooling after the convolutions of these places: rows and columns of the windows, strides and borders. */
const POOLED = {
  0: { kernel_shape: [2, 2], strides: [2, 2] },
  1: { kernel_shape: [2, 2], strides: [2, 2] },
  3: { kernel_shape: [2, 2], strides: [2, 1], pads: [0, 1, 0, 1] },
  5: { kernel_shape: [2, 2], strides: [2, 1], pads: [0, 1, 0, 1] },
}
const NORMALIZED = [2, 4, 6]

export function crnn(size = 'full') {
  const { columns, classes, widths, hidden } = sizes[size]
  const w = new Writer({ opset: 14 })
  let x = w.input('image', ['batch', 1, 32, columns])
  let channels = 1
  for (const [i, to] of widths.entries()) {
    // The last one makes one row of the two that are left.
    const last = i === widths.length - 1
    x = conv(w, `cnn.conv${i}`, x, [channels, to], last ? 2 : 3, { pad: last ? 0 : 1 })
    if (NORMALIZED.includes(i)) x = batchNorm(w, `cnn.batchnorm${i}`, x, to)
    x = w.node('Relu', [x])
    if (POOLED[i]) x = w.node('MaxPool', [x], POOLED[i])
    channels = to
  }
  x = w.node('Transpose', [w.node('Squeeze', [x, w.integers([2])])], { perm: [2, 0, 1] })
  x = linear(w, 'rnn.0.embedding', bidirectional(w, 'rnn.0.rnn', x, [channels, hidden]), [2 * hidden, hidden])
  x = linear(w, 'rnn.1.embedding', bidirectional(w, 'rnn.1.rnn', x, [hidden, hidden]), [2 * hidden, classes], 4)
  w.output('scores', w.node('LogSoftmax', [x], { axis: 2 }), ['columns', 'batch', classes])
  return w.bytes('crnn')
}

/** [T, N, from] to [T, N, 2 hidden]. */
function bidirectional(w, name, x, [from, hidden]) {
  const deviation = 1 / Math.sqrt(hidden)
  const weights = [
    w.weight(`${name}.W`, [2, 4 * hidden, from], 1 / Math.sqrt(from)),
    w.weight(`${name}.R`, [2, 4 * hidden, hidden], deviation),
    w.weight(`${name}.B`, [2, 8 * hidden], 0.05),
  ]
  const [y] = w.node('LSTM', [x, ...weights], { hidden_size: hidden, direction: 'bidirectional' }, 3)
  const turned = w.node('Transpose', [y], { perm: [0, 2, 1, 3] })
  return w.node('Reshape', [turned, w.integers([0, 0, -1])])
}
