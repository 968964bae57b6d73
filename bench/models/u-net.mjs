/**
 * @file A segmenter of the shape of U-Net (Ronneberger et al. 2015): pairs of convolutions with batch
 * normalization, maximum pooling, transposed convolutions, and maps that are joined across.
 */
import { batchNorm, conv } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { side: 256, widths: [32, 64, 128, 256, 512] },
  small: { side: 32, widths: [4, 8, 12] },
}

export function uNet(size = 'full') {
  const { side, widths } = sizes[size]
  const w = new Writer({ opset: 11 })
  const unit = (name, x, channels) => {
    const y = conv(w, `${name}.0`, x, channels, 3, { bias: false })
    return w.node('Relu', [batchNorm(w, `${name}.1`, y, channels[1])])
  }
  const pair = (name, x, [from, to]) => unit(`${name}.b`, unit(`${name}.a`, x, [from, to]), [to, to])

  let x = w.input('image', ['batch', 3, side, side])
  let channels = 3
  const skipped = []
  for (const [i, to] of widths.entries()) {
    if (i > 0) x = w.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] })
    x = pair(`down.${i}`, x, [channels, to])
    channels = to
    skipped.push(x)
  }
  for (const [i, to] of [...widths.slice(0, -1).entries()].reverse()) {
    const weight = w.weight(`up.${i}.weight`, [channels, to, 2, 2], Math.sqrt(2 / channels))
    const bias = w.weight(`up.${i}.bias`, [to], 0.02)
    const up = w.node('ConvTranspose', [x, weight, bias], { kernel_shape: [2, 2], strides: [2, 2] })
    x = pair(`up.${i}.pair`, w.node('Concat', [skipped[i], up], { axis: 1 }), [2 * to, to])
    channels = to
  }
  const mask = w.node('Sigmoid', [conv(w, 'out', x, [channels, 1], 1)])
  w.output('mask', mask, ['batch', 1, side, side])
  return w.bytes('u-net')
}
