/**
 * @file What a built-in network is: a graph for any batch size, and how its parameters begin.
 */
import { Graph } from '../graph/graph.ts'
import { type Fan, sizeOf, type Tensor } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'
import { type Random, random } from '../util/random.ts'
import { roundHalfToEven } from '../util/rounding.ts'

/** Whole numbers from the least to the most. */
export interface ValueRange {
  least: number
  most: number
  /** Such as `as its type uint8 holds`. */
  why: string
}

/**
 * An array among those that make up a sample, or what is computed of one: the shape is that of one sample.
 */
export interface RowPart {
  name: string
  shape: readonly number[]
  /** Its values are whole numbers, such as the places of words. */
  whole?: boolean
  /** Which whole numbers it takes. Absent: any. */
  range?: ValueRange
  /** Of an image: it has its channels last, unlike `image` of the model. Default: they come first. */
  layout?: 'NHWC'
  /** Of a result: scores along its last axis of which a file of the network takes a softmax. */
  softmax?: boolean
}

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
   * What a sample is to a file of the network, where it says so: one array, whose values are those of
   * `image`, or several, which lie one behind the other in `image` [1, 1, their sum].
   */
  inputs?: readonly RowPart[]
  /**
   * Where what the network computes is no scores of classes: the parts that follow each other in its
   * `classes` results per sample.
   */
  outputs?: readonly RowPart[]
  /** What a file of the network calls its scores of classes. Absent: there is no such file. */
  output?: string
  /** Whether its scores are logits of a softmax, or one that of a sigmoid. Default true. */
  softmax?: boolean
  /** Whether it computes samples one by one, so that batches gain nothing. Default false. */
  oneByOne?: boolean
  /** What has to be said where its file is read, in a sentence. */
  note?: string
  /**
   * The same network, where this one rounds on the way (train/rounded-model.ts), for all that looks at
   * layers.
   */
  exact?: Model
  /**
   * What the shorter side of a photograph is resized to before its middle is cut to `image`. Default: the
   * side of `image`.
   */
  resize?: number
  /**
   * How many different tokens it takes, where its samples are texts: `image` is [2, 1, tokens], the low and
   * the high bytes of tokens (see text-encoder.ts).
   */
  vocabulary?: number
  /** The default factor on its channels; absent where the network cannot be widened. */
  widen?: number
  /**
   * Patterns (`*` stands for any characters) of the tensors that published pruning results prune. Absent:
   * they prune all that can be pruned.
   */
  published?: readonly string[]
  /** The initializer of the paper that the network is taken from. Default: `uniform`. */
  defaultInit?: InitializerName
  /**
   * Appends the network to the graph: it maps images [N, C, H, W] to logits [N, classes]. With `training`,
   * batch normalization uses the statistics of the batch.
   */
  build(graph: Graph, images: Tensor, training: boolean): Tensor
  /**
   * Appends what a file of the network applies to its logits at the end; the shape stays. Default: nothing.
   */
  closing?(graph: Graph, logits: Tensor): Tensor
}

/** What a sample is, in words: `x [3, 4] and state [5]`, or `1 x 28 x 28`. */
export const sampleText = ({ inputs, image }: Pick<Model, 'inputs' | 'image'>): string =>
  inputs && (inputs.length > 1 || (image[0] === 1 && image[1] === 1))
    ? inputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(' and ')
    : image.join(' x ')

/** The options of a built-in network. */
export interface ModelOptions {
  classes?: number
  /** Multiplies the channels; only networks that have a default for it accept it. */
  widen?: number
}

/**
 * A network whose number of classes, and in some whose width, is still open: `classes` and `widen` are
 * defaults.
 */
export interface ModelFamily extends Omit<Model, 'build'> {
  build(graph: Graph, images: Tensor, training: boolean, options: Required<ModelOptions>): Tensor
}

/** The member of a family with these options. Throws UserError where the family has no such member. */
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

/** The graph of a network for one image, without outputs: it is only looked at, not run. */
export function graphOf(model: Model, training = false): Graph {
  const { build, image } = model.exact ?? model
  const graph = new Graph()
  build(graph, graph.input('images', [1, ...image]), training)
  return graph
}

/**
 * How many classes a network tells apart: one for each logit, and two where it has a single score, which is
 * above zero for class 1.
 */
export const classesOf = ({ classes }: Pick<Model, 'classes'>): number => Math.max(classes, 2)

/**
 * How photographs become images of a model unless the user says otherwise: `size` is the shorter side after
 * resizing, `crop` the side of the square that is cut out, both in pixels.
 */
export const usualGeometry = ({ image: [, side], resize = side }: Model): { size: number; crop: number } => ({
  size: resize,
  crop: side,
})

/**
 * Channels times a widening factor, rounded to the nearest whole number (a half goes to the even one) and at
 * least 1.
 */
export const widened = (channels: number, widen: number): number => Math.max(1, roundHalfToEven(channels * widen))

/** Returns a function that draws a weight from N(0, variance), or gives a bias the value 0. */
const normal = (tensor: Tensor, variance: number, draw: Random) => {
  const deviation = Math.sqrt(variance)
  return isWeight(tensor) ? () => deviation * draw.normal() : () => 0
}

const isWeight = ({ shape }: Tensor) => shape.length > 1

/** The ways to draw initial weights. f_in and f_out are fans that count the area of the kernel. */
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
   * uses it.
   */
  'xavier-uniform': (tensor: Tensor, fan: Fan, draw: Random) => {
    const bound = Math.sqrt(6 / (fan.in + fan.out))
    return isWeight(tensor) ? () => bound * (2 * draw.uniform() - 1) : () => 0
  },
  /**
   * Weights N(0, 2 / (f_in + f_out)) (Glorot & Bengio 2010); biases 0. Lottery tickets (Frankle & Carbin
   * 2019) use it.
   */
  'xavier-normal': (tensor: Tensor, fan: Fan, draw: Random) => normal(tensor, 2 / (fan.in + fan.out), draw),
  /** Weights N(0, 2 / f_in) (He et al. 2015); biases 0. */
  'he-normal': (tensor: Tensor, fan: Fan, draw: Random) => normal(tensor, 2 / fan.in, draw),
  /**
   * Convolutions N(0, 2 / f_out) (He et al. 2015, backward form), linear layers U(-1/sqrt(f_in),
   * 1/sqrt(f_in)), biases 0. The networks of DSR (Mostafa & Wang 2019) use it.
   */
  'he-normal-out': (tensor: Tensor, fan: Fan, draw: Random) => {
    if (tensor.shape.length !== 2) return normal(tensor, 2 / fan.out, draw)
    const bound = 1 / Math.sqrt(fan.in)
    return () => bound * (2 * draw.uniform() - 1)
  },
} as const
export type InitializerName = keyof typeof initializers

/**
 * Draws the initial values of a parameter, row-major. Throws where the tensor does not say how it begins.
 */
export function initialValues(tensor: Tensor, scheme: InitializerName, draw: Random): Float64Array {
  const { initial } = tensor
  if (initial === undefined) throw new Error(`${tensor.name} does not say how it begins`)
  if (typeof initial === 'number') return new Float64Array(sizeOf(tensor.shape)).fill(initial)
  const next = initializers[scheme](tensor, initial, draw)
  return Float64Array.from({ length: sizeOf(tensor.shape) }, next)
}

/**
 * Returns the function that gives each tensor of a network its initial values: by `init`, or else by the
 * initializer of its paper. Each tensor has a random stream of its own, named by `what` and the tensor, so
 * the order of tensors does not matter.
 */
export function beginning(model: Model, init: InitializerName | undefined, seed: number, what = 'init') {
  const scheme = init ?? model.defaultInit ?? 'uniform'
  return (tensor: Tensor): Float64Array => initialValues(tensor, scheme, random(seed, what, tensor.name))
}
