/**
 * @file An ONNX model with inputs and outputs of any number and rank as a network of the kind that is pruned
 * with data: a sample is an image or a row of all its inputs one behind the other, and the scores of a sample
 * are a row of all its outputs.
 */
import { Graph } from '../../graph/graph.ts'
import { concat } from '../../graph/operators/shape.ts'
import { SamplePaths } from '../../graph/sample-paths.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model, RowPart } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { unless } from '../../util/unless.ts'
import { feedImages, feedRows } from './feeds.ts'
import type { OnnxFile } from './file.ts'
import { inTurn } from './in-turn.ts'
import { type ImportOptions, imageInput, OpenSize, partOf } from './input.ts'
import { rangeOf } from './input-range.ts'
import { shaped } from './model-inputs.ts'
import { Operation } from './operation.ts'
import type { Fed, NetworkReader, Translated } from './read-network.ts'
import { type Scope, Unsupported } from './scope.ts'
import { isFloating } from './tensor.ts'

export interface RowNetwork {
  /** Shape of one sample. */
  image: Model['image']
  /** The arrays that make up a sample; one where it is an image. */
  inputs: readonly RowPart[]
  outputs: readonly RowPart[]
  /** Outputs that are left out, with the reasons. */
  lacking: readonly { output: string; reason: string }[]
  /** Whether the samples of a batch are computed one by one. */
  oneByOne: boolean
  /** Why they are, where the file leaves their number open: a node that mixes them, in a sentence. */
  mixing?: string
  /** Samples [N, ...image] to rows [N, outputs]. */
  build(graph: Graph, samples: Tensor, training: boolean): { scores: Tensor; scope: Scope }
}

/** A number of samples that is hardly a size of a network. */
const SAMPLES = 23

/** What goes into a network, as the graph has it, and how it becomes the inputs of the model. */
interface Feed {
  /** Shape of one sample. */
  image: Model['image']
  /** The arrays that make up a sample; one where it is an image. */
  parts: readonly RowPart[]
  /** Whether every input runs over samples. */
  apart: boolean
  fed(graph: Graph, samples: Tensor): Fed
}

/** Throws UserError, or Unsupported where no output runs here. */
export function rowNetwork(file: OnnxFile, reader: NetworkReader, options: ImportOptions): RowNetwork {
  const { image, parts, fed, apart } = feedOf(file, reader, options)
  const translated = (batch: number, outputs: readonly string[]) => {
    const graph = new Graph()
    return reader.translate(graph, fed(graph, graph.input('images', [batch, ...image])), { training: false, outputs })
  }
  const one = reader.fixedBatch ?? 1
  const { running, lacking } = runningOutputs(reader, (name) => {
    const { scope, values } = translated(one, [name])
    const value = values.get(name)
    if (value && !isFloating(scope.typeOf(value)))
      throw new Unsupported(`${file.path}: its output ${name} holds no floats`)
    return reader.tensorOf(values, name, scope).shape
  })
  // What the rows of results hold: the outputs, or what goes into a softmax that one of them is.
  const before = running.map(({ name, shape }) => reader.beforeSoftmax(name, shape.length))
  const names = before.map(({ name, softmax }, i) => (softmax ? name : running[i].name))
  const several = apart ? unless(UserError, () => translated(SAMPLES, names)) : undefined
  const axes = several && sampleAxes(reader, names, several)
  const mixing = several && mixingIn(reader, several)
  const oneByOne = !axes || mixing !== undefined
  if (oneByOne && one !== 1)
    throw new Unsupported(`${file.path}: it is written for batches of ${one}, whose samples cannot be told apart`)
  const outputs = running.map(({ name, shape }, i): RowPart => {
    const part = { name, shape: axes ? shape.toSpliced(axes[i], 1) : shape }
    return before[i].softmax ? { ...part, softmax: true } : part
  })

  return {
    image,
    inputs: parts,
    outputs,
    lacking,
    oneByOne,
    ...(mixing && { mixing }),
    build: (graph, samples, training) => {
      const build = (some: Tensor, beside?: Scope) => {
        const { scope, values } = reader.translate(graph, fed(graph, some), { training, outputs: names, beside })
        const results = names.map((name, i) => reader.rowsOf(values, name, scope, axes?.[i]))
        return { scope, scores: results.length === 1 ? results[0] : concat(graph, results) }
      }
      return oneByOne ? inTurn(graph, samples, build) : build(samples)
    },
  }
}

interface RunningOutput {
  name: string
  shape: Shape
}

/**
 * Outputs that run here, with the shapes that `attempt` finds, and the reasons of others. Throws where none
 * does.
 */
function runningOutputs({ file, counted }: NetworkReader, attempt: (name: string) => Shape) {
  const lacking = [...counted.lacking]
  const running: RunningOutput[] = []
  for (const name of counted.outputs) {
    try {
      running.push({ name, shape: attempt(name) })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      lacking.push({ output: name, reason: error.message })
    }
  }
  if (running.length === 0)
    throw new Unsupported(lacking[counted.lacking.length]?.reason ?? `${file.path} has no output`)
  return { running, lacking }
}

/**
 * The axes of outputs along which samples run, where several were run at once. Throws Unsupported where an
 * output is not computed for each of them.
 */
function sampleAxes(reader: NetworkReader, names: readonly string[], { scope, values }: Translated) {
  return names.map((name) => {
    const { shape } = reader.tensorOf(values, name, scope)
    const axis = shape.indexOf(SAMPLES)
    if (axis >= 0) return axis
    throw new Unsupported(
      `${reader.file.path}: its output ${name} [${shape}] is not computed for each sample of a batch of ${SAMPLES}`,
    )
  })
}

/** The first node that mixes the samples of a batch, in a sentence; undefined where none does. */
export function mixingIn({ file }: NetworkReader, { scope: { graph }, madeBy }: Translated): string | undefined {
  const { mixing } = new SamplePaths(graph, graph.tensors.get('images')!)
  const maker = mixing && madeBy.get(mixing)
  if (!mixing) return undefined
  const label = maker ? new Operation(maker, file.opset).label : `an output (${mixing.operator.name})`
  return `${file.path}: ${label} mixes the samples of a batch, so they are run one by one`
}

/** Images where the model takes one batch of them, else rows of all its inputs. */
function feedOf(file: OnnxFile, reader: NetworkReader, options: ImportOptions): Feed {
  const images = imageInput(file, options)
  if (!(images instanceof Unsupported))
    return {
      image: images.image,
      parts: [partOf(images)],
      apart: true,
      fed: (graph, samples) => feedImages(graph, samples, images),
    }
  if (images instanceof OpenSize && !options.sizes) throw images
  const one = reader.fixedBatch ?? 1
  const shapes = (batch: number) => shaped(reader.inputs, batch, options, file.path)
  const inputs = shapes(one)
  const apart = inputs.every(({ samples }) => samples !== undefined)
  const parts = inputs.map(({ name, type, shape, samples }): RowPart => {
    const part = { name, shape: apart ? shape.toSpliced(samples!, 1) : shape }
    if (isFloating(type)) return part
    const range = rangeOf(file, name, type)
    return { ...part, whole: true, ...(range && { range }) }
  })
  const width = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return {
    image: [1, 1, width],
    parts,
    apart,
    fed: (graph, rows) => feedRows(graph, rows, shapes(rows.shape[0]), rows.shape[0]),
  }
}
