/** @file The files between the runs of a ticket: masks, and new initial weights. */
import { readSafetensors, storeFloats, toFloats, writeSafetensors } from '../../formats/safetensors.ts'
import { unpackSparse } from '../../formats/sparse.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { shuffledMasks } from '../../methods/ticket/masks.ts'
import { beginning, graphOf, type Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import type { Recipe } from '../recipe/schema.ts'

/** The layers' values in a file of weights. Throws UserError where one is missing. */
export function valuesIn(path: string, layers: readonly Tensor[]): Float32Array[] {
  const { tensors } = unpackSparse(readSafetensors(path), path)
  return layers.map(({ name }) => {
    const stored = tensors.get(name)
    if (!stored) throw new UserError(`${path} has no tensor ${name}`)
    return toFloats(stored)
  })
}

/** 1 where the values in a file of weights or masks are not zero, else 0. */
export const maskOf = (path: string, layers: readonly Tensor[]): Float32Array[] =>
  valuesIn(path, layers).map((values) => values.map((value) => (value === 0 ? 0 : 1)))

export function writeMask(path: string, layers: readonly Tensor[], masks: readonly Float32Array[]): void {
  const tensors = layers.map(({ name, shape }, i) => {
    return [name, { dtype: 'U8', shape, data: Uint8Array.from(masks[i]) }] as const
  })
  writeSafetensors(path, { tensors: new Map(tensors), metadata: {} })
}

/** As many weights of each layer at places drawn by the seed. */
export const shuffled = (masks: readonly Float32Array[], seed: number): Float32Array[] =>
  shuffledMasks(masks, (layer) => random(seed, 'ticket mask', layer))

/** Writes initial weights that a recipe's network could have begun with, other than those it did. */
export function initialWeights(path: string, { model: { init }, seed }: Recipe, model: Model): void {
  const begin = beginning(model, init, seed, 'ticket init')
  const tensors = graphOf(model)
    .stored()
    .map((tensor) => [tensor.name, storeFloats(begin(tensor), tensor.shape)] as const)
  writeSafetensors(path, { tensors: new Map(tensors), metadata: {} })
}
