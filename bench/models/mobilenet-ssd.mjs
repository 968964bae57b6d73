/**
 * @file A detector of the shape of MobileNetV1-SSD (Liu et al. 2016, Howard et al. 2017): depthwise
 * convolutions with batch normalization and ReLU6, heads on six maps, softmax over classes. Boxes are left as
 * they are: decoding them and suppressing those that overlap is not part of what is pruned.
 */
import { batchNorm, conv, relu6 } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: {
    side: 300,
    classes: 21,
    first: 32,
    blocks: [[64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2], ...Array(5).fill([512, 1]), [1024, 2], [1024, 1]], // biome-ignore format: a list
    extras: [512, 256, 256, 128],
    heads: [10, 12],
  },
  small: {
    side: 64,
    classes: 4,
    first: 8,
    blocks: [
      [12, 2],
      [16, 2],
      [24, 2],
    ],
    extras: [16, 8],
    heads: [1, 2],
  },
}

/** Shapes of the boxes of a map. */
const BOXES = 6

export function mobilenetSsd(size = 'full') {
  const { side, classes, first, blocks, extras, heads } = sizes[size]
  const w = new Writer({ opset: 13 })
  const unit = (name, x, channels, kernel, options) => {
    const y = conv(w, `${name}.conv`, x, channels, kernel, { ...options, bias: false })
    return relu6(w, batchNorm(w, `${name}.bn`, y, channels[1]))
  }
  let x = unit('backbone.0', w.input('input', ['batch', 3, side, side]), [3, first], 3, { stride: 2 })
  let channels = first
  const maps = []
  for (const [i, [to, stride]] of blocks.entries()) {
    const depthwise = unit(`backbone.${i + 1}.dw`, x, [channels, channels], 3, { stride, group: channels })
    x = unit(`backbone.${i + 1}.pw`, depthwise, [channels, to], 1)
    channels = to
    if (heads.includes(i)) maps.push([x, to])
  }
  for (const [i, to] of extras.entries()) {
    const narrow = unit(`extras.${i}.0`, x, [channels, to / 2], 1)
    x = unit(`extras.${i}.1`, narrow, [to / 2, to], 3, { stride: 2 })
    channels = to
    maps.push([x, to])
  }
  const head = (kind, width) => {
    const rows = maps.map(([map, from], i) => {
      const y = conv(w, `${kind}.${i}`, map, [from, BOXES * width], 3)
      return w.node('Reshape', [w.node('Transpose', [y], { perm: [0, 2, 3, 1] }), w.integers([0, -1, width])])
    })
    return w.node('Concat', rows, { axis: 1 })
  }
  w.output('scores', w.node('Softmax', [head('classification', classes)], { axis: 2 }), ['batch', 'boxes', classes])
  w.output('boxes', head('regression', 4), ['batch', 'boxes', 4])
  return w.bytes('mobilenet-ssd')
}
