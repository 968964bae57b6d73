/**
 * @file An encoder of speech of the shape of Whisper's tiny one (Radford et al. 2022): two convolutions along
 * time over a mel spectrogram, places that are stored, and blocks of attention over 1500 steps.
 */
import { conv, gelu, layerNorm, transformerBlock } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { bands: 80, steps: 3000, width: 384, heads: 6, depth: 4 },
  small: { bands: 8, steps: 24, width: 12, heads: 2, depth: 2 },
}

export function whisperEncoder(size = 'full') {
  const { bands, steps, width, heads, depth } = sizes[size]
  const w = new Writer({ opset: 17 })
  const mel = w.input('mel', ['batch', bands, steps])
  const first = gelu(w, conv(w, 'conv1', mel, [bands, width], 3, { axes: 1 }))
  const second = gelu(w, conv(w, 'conv2', first, [width, width], 3, { axes: 1, stride: 2 }))
  const places = w.floats('positional_embedding', [steps / 2, width], sinusoids(steps / 2, width))
  let x = w.node('Add', [w.node('Transpose', [second], { perm: [0, 2, 1] }), places])
  for (let i = 0; i < depth; i++) x = transformerBlock(w, `blocks.${i}`, x, { width, heads })
  w.output('audio_features', layerNorm(w, 'ln_post', x, width), ['batch', steps / 2, width])
  return w.bytes('whisper-encoder')
}

/** Sines in the first half of each row, cosines in the second, of wavelengths from 2 pi to 20,000 pi. */
function sinusoids(rows, width) {
  const half = width / 2
  return Array.from({ length: rows * width }, (_, i) => {
    const [row, at] = [Math.floor(i / width), i % width]
    const angle = row * Math.exp((-Math.log(10000) * (at % half)) / (half - 1))
    return at < half ? Math.sin(angle) : Math.cos(angle)
  })
}
