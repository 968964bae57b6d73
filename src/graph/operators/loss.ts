/**
 * @file Softmax, cross-entropy on class labels, and accuracy. Labels are class indices, one per sample,
 * stored as floats.
 *
 * A network with one score z per sample tells two classes apart: z is the logit of class 1, that of class 0
 * is zero. Its loss is then the binary cross-entropy log(1 + e^z) - label z, and it decides for class 1 where
 * z > 0.
 */
import { attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, sameShape, type Tensor, type TensorType } from '../tensor.ts'
import { mul, sub } from './elementwise.ts'
import { reduceMean } from './mean.ts'
import { expand, pad, reduceSum, reshape } from './shape.ts'

/** e^x / sum e^x along `axis` (default: the last, as in ONNX since opset 13). */
export const Softmax: Operator = {
  name: 'Softmax',
  infer: ([x], attributes) => {
    const axis = attribute(attributes, 'axis', x.shape.length - 1)
    const valid = Number.isInteger(axis) && axis >= 0 && axis < x.shape.length && !(x.batched && axis === 0)
    check(valid, 'Softmax', () => `axis ${axis} is not a class axis of ${describe(x)}`)
    return [{ shape: x.shape, batched: x.batched }]
  },
  // dx = y (dy - sum y dy)
  gradient: (graph, { outputs: [y], attributes }, [dy]) => {
    if (!dy) return [undefined]
    const axis = attribute(attributes, 'axis', y.shape.length - 1)
    return [mul(graph, y, sub(graph, dy, reduceSum(graph, mul(graph, y, dy), [axis])))]
  },
}

/**
 * Loss of each sample: -log softmax(logits)[label]. Logits [N, C], labels [N], result [N]
 * (ONNX SoftmaxCrossEntropyLoss with reduction `none`; the mean is a ReduceMean behind it).
 */
export const SoftmaxCrossEntropyLoss: Operator = {
  name: 'SoftmaxCrossEntropyLoss',
  infer: ([logits, labels]) => [classified('SoftmaxCrossEntropyLoss', logits, labels)],
  gradient: (graph, { inputs: [logits, labels] }, [dloss]) => [
    dloss && graph.apply(SoftmaxCrossEntropyGrad, [logits, labels, dloss])[0],
    undefined,
  ],
}

/** dlogits = (softmax(logits) - onehot(labels)) dloss, dloss [N]. */
export const SoftmaxCrossEntropyGrad: Operator = {
  name: 'SoftmaxCrossEntropyGrad',
  infer: ([logits, labels, dloss]) => {
    classified('SoftmaxCrossEntropyGrad', logits, labels)
    check(sameShape(dloss.shape, labels.shape), 'SoftmaxCrossEntropyGrad', () => `dloss and labels differ in shape`)
    return [{ shape: logits.shape, batched: true }]
  },
  // In the logits: the softmax's own derivative, (diag(p) - p p') v dloss. In dloss: sum over classes of v (p
  // - onehot).
  gradient: (graph, { inputs: [logits, labels, dloss] }, [v]) => {
    if (!v) return [undefined, undefined, undefined]
    const samples = logits.shape[0]
    const weighted = mul(graph, v, expand(graph, reshape(graph, dloss, [samples, 1], true), v.shape, true))
    const p = softmax(graph, logits)
    const dlogits = mul(graph, p, sub(graph, weighted, reduceSum(graph, mul(graph, p, weighted), [1])))
    const ones = graph.constant(1, [samples], true)
    const residual = graph.apply(SoftmaxCrossEntropyGrad, [logits, labels, ones])[0]
    return [dlogits, undefined, reduceSum(graph, mul(graph, v, residual), [1], 0)]
  },
}

/**
 * How many samples have their largest logit at their label; the first class wins a tie. A scalar; no
 * gradient.
 */
export const CountCorrect: Operator = {
  name: 'CountCorrect',
  infer: ([logits, labels]) => {
    classified('CountCorrect', logits, labels)
    return [{ shape: [], batched: false }]
  },
}

export const softmax = (graph: Builder, x: Tensor): Tensor => graph.apply(Softmax, [x])[0]
/**
 * How many samples are told right, a scalar: those with their largest logit at their label, of one score z
 * [N, 1] those with (z > 0) = label.
 */
export const countCorrect = (graph: Builder, logits: Tensor, labels: Tensor): Tensor =>
  graph.apply(CountCorrect, [perClass(graph, logits), labels])[0]

/** Mean of {@link sampleCrossEntropy} over the batch, a scalar. */
export function crossEntropy(graph: Builder, logits: Tensor, labels: Tensor): Tensor {
  return reduceMean(graph, sampleCrossEntropy(graph, logits, labels), [0], 0)
}

/**
 * Cross-entropy of every sample: logits [N, C], or one score [N, 1] of two classes, and labels [N] to [N].
 */
export function sampleCrossEntropy(graph: Builder, logits: Tensor, labels: Tensor): Tensor {
  return graph.apply(SoftmaxCrossEntropyLoss, [perClass(graph, logits), labels])[0]
}

/** A logit for each class: zero and the score, [N, 2], where there is but one score [N, 1]. */
export const perClass = (graph: Builder, logits: Tensor): Tensor =>
  logits.shape.length === 2 && logits.shape[1] === 1 ? pad(graph, logits, [0, 1], [0, 0]) : logits

function classified(operator: string, logits: Tensor, labels: Tensor): TensorType {
  const fits =
    logits.shape.length === 2 && logits.batched && labels.batched && sameShape(labels.shape, [logits.shape[0]])
  check(
    fits,
    operator,
    () => `expected logits [N, C] and labels [N], found ${describe(logits)} and ${describe(labels)}`,
  )
  return { shape: labels.shape, batched: true }
}
