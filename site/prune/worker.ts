/** @file The worker of the page that prunes: it holds the network and does all that takes time. */
import { sizeOf } from '../../src/graph/tensor.ts'
import { UserError } from '../../src/util/errors.ts'
import { Classifier, noClassifier } from '../work/classify.ts'
import { drawingOf } from '../work/drawing.ts'
import { LevelShelf } from '../work/level-shelf.ts'
import { pageMachine } from '../work/machine.ts'
import { encoded, type Format, formatsOf, type Opened, opened, type Version, valuesOf } from '../work/opened.ts'
import { pruned, type Tell } from '../work/prune.ts'
import { isDigits, kindsOf, normalizationOf } from '../work/samples.ts'
import { countZeros, histogramOf, maskPicture } from '../work/tensor.ts'
import type { Answer, Facts, Request, TensorFacts } from './protocol.ts'

const port = globalThis as unknown as {
  postMessage(answer: Answer, transfer?: Transferable[]): void
  onmessage: (event: MessageEvent<Request>) => void
}

let network: Opened | undefined
let after: Version | undefined
let shelf = new LevelShelf()
let classifier: Classifier | undefined

port.onmessage = async ({ data: { id, ask } }) => {
  try {
    port.postMessage({
      id,
      result: await answer(ask, (text, share, left) => port.postMessage({ id, text, share, left })),
    })
  } catch (error) {
    const { message } = error as Error
    port.postMessage({ id, error: error instanceof UserError ? message : `an internal error: ${message}` })
  }
}

async function answer(ask: Request['ask'], tell: Tell): Promise<unknown> {
  if (ask.what === 'open') {
    network = after = classifier = undefined
    shelf = new LevelShelf()
    network = opened(ask.bytes, ask.name, ask.network)
    return factsOf(network)
  }
  if (!network) throw new UserError('expected a network that is open, found none')
  if (ask.what === 'tensor') return tensorFacts(network, ask.name)
  if (ask.what === 'file') return fileOf(network, ask.format)
  const means = { machine: await pageMachine() }
  if (ask.what === 'guess') {
    const versions = after ? [network.version, after] : [network.version]
    classifier ??= new Classifier(network, versions, means.machine)
    return classifier.guess(ask.asked)
  }
  classifier = undefined
  const store = shelf.of(ask.asked)
  if (ask.what === 'sensitivity') {
    const { sensitivityOf } = await import('../work/sensitivity.ts')
    return sensitivityOf(network, ask.asked, { ...means, store }, tell)
  }
  const found = await pruned(network, ask.asked, { ...means, store }, tell)
  after = found.version
  return found.outcome
}

function factsOf(from: Opened): Facts {
  const { name, model, reason, candidates, version, tensors } = from
  return {
    name,
    summary: model?.summary ?? '',
    runs: model !== undefined,
    reason,
    candidates,
    sample: model?.image,
    note: model?.note,
    formats: formatsOf(from),
    samples: kindsOf(from),
    guessed: kindsOf(from).includes('images') ? normalizationOf(from).guessed : undefined,
    noPictures: noClassifier(from),
    digits: model !== undefined && isDigits(model),
    drawing: drawingOf(from),
    tensors: tensors.map(({ name: tensor, shape }) => ({
      name: tensor,
      shape,
      size: sizeOf(shape),
      zeros: countZeros(valuesOf(from, version, tensor)),
    })),
  }
}

function tensorFacts(from: Opened, name: string): TensorFacts {
  const { shape } = from.tensors.find((tensor) => tensor.name === name)!
  const values = valuesOf(from, from.version, name)
  const before = histogramOf(values)
  const now = after ? valuesOf(from, after, name) : values
  return { name, shape, before, after: after && histogramOf(now, before.most), mask: maskPicture(now, shape) }
}

const fileOf = (from: Opened, format: Format): Uint8Array => encoded(from, after ?? from.version, format)
