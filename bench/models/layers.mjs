/** @file Layers that several networks are made of, as exporters write them. Values are names in a writer. */

/** He's deviation for a layer that is followed by ReLU. */
const he = (fan) => Math.sqrt(2 / fan)

/**
 * A convolution [N, from, ...] to [N, to, ...] with windows of `kernel` along each of `axes`, padded so that
 * sizes stay or are divided by the stride.
 */
export function conv(w, name, x, [from, to], kernel, options = {}) {
  const { stride = 1, group = 1, axes = 2, pad = (kernel - 1) >> 1, bias = true } = options
  const along = (n) => Array(axes).fill(n)
  const shape = [to, from / group, ...along(kernel)]
  const weight = w.weight(`${name}.weight`, shape, he((from / group) * kernel ** axes))
  const inputs = [x, weight, ...(bias ? [w.weight(`${name}.bias`, [to], 0.02)] : [])]
  const pads = along(pad)
  return w.node('Conv', inputs, {
    kernel_shape: along(kernel),
    strides: along(stride),
    pads: [...pads, ...pads],
    dilations: along(1),
    group,
  })
}

export function batchNorm(w, name, x, channels) {
  const variance = Float32Array.from({ length: channels }, (_, i) => 0.8 + 0.4 * ((i % 7) / 6))
  return w.node(
    'BatchNormalization',
    [
      x,
      w.weight(`${name}.weight`, [channels], 0.1, 1),
      w.weight(`${name}.bias`, [channels], 0.05),
      w.weight(`${name}.running_mean`, [channels], 0.05),
      w.floats(`${name}.running_var`, [channels], variance),
    ],
    { epsilon: { float: 1e-5 } },
  )
}

/** A product with a matrix that is stored as [from, to], and a bias. */
export function linear(w, name, x, [from, to], gain = 1) {
  const weight = w.weight(`${name}.weight`, [from, to], gain / Math.sqrt(from))
  return w.node('Add', [w.weight(`${name}.bias`, [to], 0.02), w.node('MatMul', [x, weight])])
}

/** ReLU that ends at 6. */
export const relu6 = (w, x) => w.node('Clip', [x, w.scalar(0), w.scalar(6)])

/** x sigmoid(x), as exporters write it. */
export const silu = (w, x) => w.node('Mul', [x, w.node('Sigmoid', [x])])

/** x (1 + erf(x / sqrt(2))) / 2, as exporters write it. */
export function gelu(w, x) {
  const erf = w.node('Erf', [w.node('Div', [x, w.scalar(Math.SQRT2)])])
  return w.node('Mul', [w.node('Mul', [x, w.node('Add', [erf, w.scalar(1)])]), w.scalar(0.5)])
}

const scaleAndShift = (w, name, width) => [
  w.weight(`${name}.weight`, [width], 0.1, 1),
  w.weight(`${name}.bias`, [width], 0.05),
]

/** Layer normalization over the last axis. */
export const layerNorm = (w, name, x, width) =>
  w.node('LayerNormalization', [x, ...scaleAndShift(w, name, width)], { axis: -1, epsilon: { float: 1e-5 } })

/** The same as exporters wrote it before opset 17 had an operator for it. */
export function layerNormInParts(w, name, x, width) {
  const [scale, shift] = scaleAndShift(w, name, width)
  const centred = w.node('Sub', [x, w.node('ReduceMean', [x], { axes: [-1] })])
  const variance = w.node('ReduceMean', [w.node('Pow', [centred, w.scalar(2)])], { axes: [-1] })
  const deviation = w.node('Sqrt', [w.node('Add', [variance, w.scalar(1e-12)])])
  return w.node('Add', [w.node('Mul', [w.node('Div', [centred, deviation]), scale]), shift])
}

/**
 * Attention of [N, T, width] to itself with products of its own for queries, keys and values.
 * @param {{ width: number, heads: number, mask?: string }} options `mask`: what is added to the scores.
 */
export function attention(w, name, x, { width, heads, mask }) {
  const depth = width / heads
  const apart = (part, perm) => {
    const product = linear(w, `${name}.${part}`, x, [width, width])
    const split = w.node('Reshape', [product, w.integers([0, -1, heads, depth])])
    return w.node('Transpose', [split], { perm })
  }
  const query = w.node('Mul', [apart('query', [0, 2, 1, 3]), w.scalar(1 / Math.sqrt(depth))])
  const scores = w.node('MatMul', [query, apart('key', [0, 2, 3, 1])])
  const masked = mask ? w.node('Add', [scores, mask]) : scores
  const mixed = w.node('MatMul', [w.node('Softmax', [masked], { axis: -1 }), apart('value', [0, 2, 1, 3])])
  const joined = w.node('Reshape', [w.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }), w.integers([0, -1, width])])
  return linear(w, `${name}.output`, joined, [width, width])
}

/** Two products with GELU between them. */
export const feedForward = (w, name, x, [width, inner]) =>
  linear(w, `${name}.fc2`, gelu(w, linear(w, `${name}.fc1`, x, [width, inner])), [inner, width])

/** A block of a transformer whose normalizations come first. */
export function transformerBlock(w, name, x, { width, heads, inner = 4 * width }) {
  const first = layerNorm(w, `${name}.norm1`, x, width)
  const attended = w.node('Add', [x, attention(w, `${name}.attn`, first, { width, heads })])
  const second = layerNorm(w, `${name}.norm2`, attended, width)
  return w.node('Add', [attended, feedForward(w, `${name}.mlp`, second, [width, inner])])
}
