// TensorFlow.js on its WebAssembly backend as a contender: inference of ResNet-20, out of its operators on
// [N, H, W, C]. As its converter does for models that are only run, batch normalization is folded into the
// convolutions and ReLU is fused with them.
import { EPSILON } from '../dist/graph/operators/norm.js'
import { optional, threadsText, timedSync } from './contender.mjs'

/** Undefined, and a note, where TensorFlow.js cannot be loaded. */
export async function tensorflowJs({ graph, weights, images }, notes) {
  const tf = await optional('@tensorflow/tfjs-core', notes)
  const backend = tf && (await optional('@tensorflow/tfjs-backend-wasm', notes))
  if (!backend) return undefined
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js cannot start its WebAssembly backend')
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? ' simd' : ''

  const network = resnet20(tf, graph, weights)
  const x = tf.tidy(() => tf.transpose(tf.tensor(images, graph.withRole('input')[0].shape), [0, 2, 3, 1]))
  const infer = () => {
    const logits = tf.tidy(() => network(x))
    const values = logits.dataSync()
    logits.dispose()
    return values
  }
  return {
    key: 'tfjs',
    name: `TensorFlow.js ${tf.version_core} wasm${simd}, ${threadsText(backend.getThreadsCount())}`,
    infer,
    run: (steps) => timedSync(steps, infer),
  }
}

/** The network as a function of images [N, H, W, C]. */
function resnet20(tf, graph, weights) {
  const tensor = (name) => tf.tensor(weights.get(name), graph.tensors.get(name).shape)
  const conv = (name, norm, strides, activation) => {
    const { filter, bias } = tf.tidy(() => {
      const factor = tf.div(tensor(`${norm}.weight`), tf.sqrt(tf.add(tensor(`${norm}.running_var`), EPSILON)))
      const filter = tf.mul(tf.transpose(tensor(`${name}.weight`), [2, 3, 1, 0]), factor)
      return { filter, bias: tf.sub(tensor(`${norm}.bias`), tf.mul(tensor(`${norm}.running_mean`), factor)) }
    })
    return (x) => tf.fused.conv2d({ x, filter, bias, strides, pad: filter.shape[0] >> 1, activation })
  }
  const block = (name, stride) => {
    const first = conv(`${name}.conv1`, `${name}.bn1`, stride, 'relu')
    const second = conv(`${name}.conv2`, `${name}.bn2`, 1, 'linear')
    const projected = weights.has(`${name}.downsample.0.weight`)
    const shortcut = projected ? conv(`${name}.downsample.0`, `${name}.downsample.1`, stride, 'linear') : (x) => x
    return (x) => tf.relu(tf.add(second(first(x)), shortcut(x)))
  }
  const blocks = [1, 2, 3].flatMap((stage) =>
    [0, 1, 2].map((i) => block(`layer${stage}.${i}`, stage > 1 && i === 0 ? 2 : 1)),
  )
  const stem = conv('conv1', 'bn1', 1, 'relu')
  const [classifier, offset] = [tensor('fc.weight'), tensor('fc.bias')]
  return (images) => {
    const features = tf.mean(
      blocks.reduce((x, next) => next(x), stem(images)),
      [1, 2],
    )
    return tf.add(tf.matMul(features, classifier, false, true), offset)
  }
}
