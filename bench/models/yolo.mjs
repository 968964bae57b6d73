/**
 * @file A detector of the shape of YOLOv8n (Jocher et al. 2023): convolutions with SiLU, blocks that split
 * their channels, pooling pyramids, nearest upsampling, and three heads whose sides of boxes are means over a
 * softmax.
 */
import { conv, silu } from './layers.mjs'
import { Writer } from './writer.mjs'

const sizes = {
  full: { side: 640, classes: 80, widths: [16, 32, 64, 128, 256], depths: [1, 2, 2, 1], head: [64, 80] },
  small: { side: 64, classes: 3, widths: [4, 8, 8, 12, 16], depths: [1, 1, 1, 1], head: [8, 8] },
}

/** Bins of the distribution of each side. */
const BINS = 16

export function yolo(size = 'full') {
  const { side, classes, widths, depths, head } = sizes[size]
  const [a, b, c, d, e] = widths
  const w = new Writer({ opset: 12 })
  const unit = (name, x, channels, kernel = 1, stride = 1) =>
    silu(w, conv(w, `${name}.conv`, x, channels, kernel, { stride }))

  /** Half of the channels go through `depth` bottlenecks, and all that they were is joined. */
  const split = (name, x, [from, to], depth, shortcut) => {
    const half = to / 2
    const both = unit(`${name}.cv1`, x, [from, to])
    const parts = w.node('Split', [both], { axis: 1, split: [half, half] }, 2)
    for (let i = 0; i < depth; i++) {
      const last = parts.at(-1)
      const inner = unit(`${name}.m.${i}.cv1`, last, [half, half], 3)
      const y = unit(`${name}.m.${i}.cv2`, inner, [half, half], 3)
      parts.push(shortcut ? w.node('Add', [last, y]) : y)
    }
    return unit(`${name}.cv2`, w.node('Concat', parts, { axis: 1 }), [(2 + depth) * half, to])
  }
  const pyramid = (name, x, channels) => {
    const maps = [unit(`${name}.cv1`, x, [channels, channels / 2])]
    for (let i = 0; i < 3; i++)
      maps.push(w.node('MaxPool', [maps.at(-1)], { kernel_shape: [5, 5], strides: [1, 1], pads: [2, 2, 2, 2] }))
    return unit(`${name}.cv2`, w.node('Concat', maps, { axis: 1 }), [2 * channels, channels])
  }
  const twice = (x) =>
    // Version 12 of the operators has to have a region, though nothing reads it.
    w.node('Resize', [x, w.floats(`region of ${x}`, [0], []), w.floats(`scales of ${x}`, [4], [1, 1, 2, 2])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    })
  const join = (...maps) => w.node('Concat', maps, { axis: 1 })

  const images = w.input('images', ['batch', 3, side, side])
  const at2 = unit('model.0', images, [3, a], 3, 2)
  const at4 = split('model.2', unit('model.1', at2, [a, b], 3, 2), [b, b], depths[0], true)
  const at8 = split('model.4', unit('model.3', at4, [b, c], 3, 2), [c, c], depths[1], true)
  const at16 = split('model.6', unit('model.5', at8, [c, d], 3, 2), [d, d], depths[2], true)
  const at32 = split('model.8', unit('model.7', at16, [d, e], 3, 2), [e, e], depths[3], true)
  const deep = pyramid('model.9', at32, e)
  const middle = split('model.12', join(twice(deep), at16), [e + d, d], 1, false)
  const fine = split('model.15', join(twice(middle), at8), [d + c, c], 1, false)
  const middle2 = split('model.18', join(unit('model.16', fine, [c, c], 3, 2), middle), [c + d, d], 1, false)
  const deep2 = split('model.21', join(unit('model.19', middle2, [d, d], 3, 2), deep), [d + e, e], 1, false)

  const [sides, scores] = [4 * BINS, classes].map((width, kind) => {
    const rows = [
      [fine, c],
      [middle2, d],
      [deep2, e],
    ].map(([map, from], i) => {
      const name = `model.22.cv${kind + 2}.${i}`
      const first = unit(`${name}.0`, map, [from, head[kind]], 3)
      const second = unit(`${name}.1`, first, [head[kind], head[kind]], 3)
      const y = conv(w, `${name}.2`, second, [head[kind], width], 1)
      return w.node('Reshape', [y, w.integers([0, width, -1])])
    })
    return w.node('Concat', rows, { axis: 2 })
  })
  w.output('output0', decoded(w, sides, w.node('Sigmoid', [scores]), side), ['batch', 4 + classes, 'boxes'])
  return w.bytes('yolo')
}

/** Boxes by centre and size in pixels, above their scores. */
function decoded(w, sides, scores, side) {
  const bins = w.node('Transpose', [w.node('Reshape', [sides, w.integers([0, 4, BINS, -1])])], { perm: [0, 2, 1, 3] })
  const weight = w.floats(
    'model.22.dfl.conv.weight',
    [1, BINS, 1, 1],
    Array.from({ length: BINS }, (_, i) => i),
  )
  const means = w.node('Conv', [w.node('Softmax', [bins], { axis: 1 }), weight], { kernel_shape: [1, 1] })
  const distances = w.node('Reshape', [means, w.integers([0, 4, -1])])
  const [topLeft, bottomRight] = w.node('Split', [distances], { axis: 1, split: [2, 2] }, 2)
  const places = [8, 16, 32].flatMap((stride) => {
    const n = side / stride
    return Array.from({ length: n * n }, (_, i) => ({ x: (i % n) + 0.5, y: Math.floor(i / n) + 0.5, stride }))
  })
  const anchors = w.floats('anchors', [1, 2, places.length], [...places.map(({ x }) => x), ...places.map(({ y }) => y)])
  const strides = w.floats('strides', [1, places.length], places.map(({ stride }) => stride)) // biome-ignore format: one line
  const [from, to] = [w.node('Sub', [anchors, topLeft]), w.node('Add', [anchors, bottomRight])]
  const centre = w.node('Div', [w.node('Add', [from, to]), w.scalar(2)])
  const boxes = w.node('Concat', [centre, w.node('Sub', [to, from])], { axis: 1 })
  return w.node('Concat', [w.node('Mul', [boxes, strides]), scores], { axis: 1 })
}
