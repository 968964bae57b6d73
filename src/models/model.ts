/**
 * @file What a built-in network is: a graph for any batch size, and how its parameters begin.
 */
import { Graph } from '../graph/graph.ts'
import { type Fan, sizeOf, type Tensor } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'
import { type Random, random } from '../util/random.ts'

export interface Model {
  name: string
  /** One line, with the paper it comes from. */
  summary: string
  /** [C, H, W] of one sample. */
  image: readonly [number, number, number]
  /**
   * Logits per sample: one for each class, or a single score that tells two classes apart (see
   * {@link classesOf}).
   */
  classes: number
  /**
   * What the shorter side of a photograph is resized to before its middle is cut to `image`. Default: the
   * side of `image`.
   */
  resize?: number
  /** What its channels are multiplied by, where it can be widened. */
  widen?: number
  /**
   * Patterns (`*` for any characters) of the tensors that published pruning results prune, where those are
   * not all that can be.
   */
  published?: readonly string[]
  /** How its weights begin in the paper that it is taken from, where that is not `uniform`. */
  defaultInit?: InitializerName
  /**
   * Appends the network: images [N, C, H, W] to logits [N, classes]. `training`: batch normalization uses the
   * batch's statistics.
   */
  build(graph: Graph, images: Tensor, training: boolean): Tensor
  /** What a file of the network applies to its logits at the end, of the same shape. Default: nothing. */
  closing?(graph: Graph, logits: Tensor): Tensor
}

/** What can be chosen of a built-in network. */
export interface ModelOptions {
  classes?: number
  /** Multiplies the channels; only for networks that have a default for it. */
  widen?: number
}

/**
 * A network whose number of classes, and in some whose width, is still open: `classes` and `widen` are
 * defaults.
 */
export interface ModelFamily extends Omit<Model, 'build'> {
  build(graph: Graph, images: Tensor, training: boolean, options: Required<ModelOptions>): Tensor
}

/** The member of a family. Throws UserError where there is none such. */
export function modelOf(family: ModelFamily, options: ModelOptions = {}): Model {
  const { classes = family.classes, widen = family.widen ?? 1 } = options
  if (options.widen !== undefined && family.widen === undefined) throw new UserError(`${family.name} has no widen`)
  if (!Number.isInteger(classes) || classes < 1)
    throw new UserError(`classes: expected a whole number of at least 1, found ${classes}`)
  if (!(widen > 0 && Number.isFinite(widen))) throw new UserError(`widen: expected a positive number, found ${widen}`)
  const width = family.widen === undefined ? {} : { widen }
  const build: Model['build'] = (graph, images, training) => family.build(graph, images, training, { classes, widen })
  return { ...family, classes, ...width, build }
}

/** The graph of a network for one image, without outputs: to look at. */
export function graphOf(model: Model, training = false): Graph {
  const graph = new Graph()
  model.build(graph, graph.input('images', [1, ...model.image]), training)
  return graph
}

/**
 * How many classes a network tells apart: as many as it has logits, two by a single score (class 1 where it
 * is above zero).
 */
export const classesOf = ({ classes }: Pick<Model, 'classes'>): number => Math.max(classes, 2)

/**
 * How photographs become a model's images, where nothing else is said: pixels of the shorter side, and of the
 * square that is cut out.
 */
export const usualGeometry = ({ image: [, side], resize = side }: Model): { size: number; crop: number } => ({
  size: resize,
  crop: side,
})

/** Channels times a widening factor: the nearest whole number, the even one of two, at least 1. */
export function widened(channels: number, widen: number): number {
  const exact = channels * widen
  const below = Math.floor(exact)
  const up = exact - below > 0.5 || (exact - below === 0.5 && below % 2 === 1)
  return Math.max(1, up ? below + 1 : below)
}

/** Draws from N(0, variance) for weights, 0 for biases. */
const normal = (tensor: Tensor, variance: number, draw: Random) => {
  const deviation = Math.sqrt(variance)
  return isWeight(tensor) ? () => deviation * draw.normal() : () => 0
}

const isWeight = ({ shape }: Tensor) => shape.length > 1

/** Ways to draw initial weights; f_in and f_out count the kernel's area. */
export const initializers = {
  /**
   * Weights and biases U(-1/sqrt(f_in), 1/sqrt(f_in)): PyTorch's default for linear and convolution layers.
   */
  uniform: (_tensor: Tensor, fan: Fan, draw: Random) => {
    const bound = 1 / Math.sqrt(fan.in)
    return () => bound * (2 * draw.uniform() - 1)
  },
  /**
   * Weights U(-b, b), b = sqrt(6 / (f_in + f_out)) (Glorot & Bengio 2010); biases 0. GSM (Ding et al. 2019)
   * begins so.
   */
  'xavier-uniform': (tensor: Tensor, fan: Fan, draw: Random) => {
    const bound = Math.sqrt(6 / (fan.in + fan.out))
    return isWeight(tensor) ? () => bound * (2 * draw.uniform() - 1) : () => 0
  },
  /**
   * Weights N(0, 2 / (f_in + f_out)) (Glorot & Bengio 2010); biases 0. Lottery tickets (Frankle & Carbin
   * 2019) begin so.
   */
  'xavier-normal': (tensor: Tensor, fan: Fan, draw: Random) => normal(tensor, 2 / (fan.in + fan.out), draw),
  /** Weights N(0, 2 / f_in) (He et al. 2015); biases 0. */
  'he-normal': (tensor: Tensor, fan: Fan, draw: Random) => normal(tensor, 2 / fan.in, draw),
  /**
   * Convolutions N(0, 2 / f_out) (He et al. 2015, backward form), linear layers U(-1/sqrt(f_in),
   * 1/sqrt(f_in)), biases 0: the networks of DSR (Mostafa & Wang 2019).
   */
  'he-normal-out': (tensor: Tensor, fan: Fan, draw: Random) => {
    if (tensor.shape.length !== 2) return normal(tensor, 2 / fan.out, draw)
    const bound = 1 / Math.sqrt(fan.in)
    return () => bound * (2 * draw.uniform() - 1)
  },
} as const
export type InitializerName = keyof typeof initializers

/**
 * Initial values of a parameter, row-major. Each tensor has its own stream, so the order of tensors does not
 * matter.
 */
export function initialValues(tensor: Tensor, scheme: InitializerName, draw: Random): Float64Array {
  const { initial } = tensor
  if (initial === undefined) throw new Error(`${tensor.name} does not say how it begins`)
  if (typeof initial === 'number') return new Float64Array(sizeOf(tensor.shape)).fill(initial)
  const next = initializers[scheme](tensor, initial, draw)
  return Float64Array.from({ length: sizeOf(tensor.shape) }, next)
}

/**
 * How a network begins: the initial values of a tensor by `init`, else as its paper has it, drawn by the
 * seed. `what`: names the stream.
 */
export function beginning(model: Model, init: InitializerName | undefined, seed: number, what = 'init') {
  const scheme = init ?? model.defaultInit ?? 'uniform'
  return (tensor: Tensor): Float64Array => initialValues(tensor, scheme, random(seed, what, tensor.name))
}
