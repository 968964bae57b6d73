/**
 * @file The built-in networks by name.
 */
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { lenet300100 } from './lenet-300-100.ts'
import { mlpnet } from './mlpnet.ts'
import type { Model } from './model.ts'
import { resnet20, resnet56 } from './resnet-cifar.ts'

/** Adding a network: a file and a name here. */
export const models: Record<string, Model> = Object.fromEntries(
  [lenet300100, mlpnet, resnet20, resnet56].map((model) => [model.name, model]),
)

/** Throws UserError with the nearest name where there is none such. */
export function findModel(name: string): Model {
  if (Object.hasOwn(models, name)) return models[name]
  throw new UserError(`there is no model named ${name}${suggestion(name, Object.keys(models))}`)
}
