/** @file A small network that was trained on synthetic images. */
import { synthetic } from '../../src/data/synthetic.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { machine } from '../train/small.ts'

/** Writes the weights of an MLPNet after some epochs. */
export async function writeTrained(file: string, epochs: number): Promise<void> {
  const network = new Network({ machine, model: findModel('mlpnet'), data: synthetic(), batch: 100 })
  await train(network, { epochs, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
  writeSafetensors(file, weightsOf(network))
}
