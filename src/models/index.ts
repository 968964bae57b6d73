/** @file The built-in networks by name. A new network is a file beside this one and an entry in `models`. */
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { alexnetBn } from './alexnet-bn.ts'
import { cifarQuickBn, mobilenetV1Cifar, vgg16Gsm } from './cifar-gsm.ts'
import { cifarnet } from './cifarnet.ts'
import { cnn500k } from './cnn500k.ts'
import { densenet40 } from './densenet-40.ts'
import { efficientnetLite0 } from './efficientnet-lite.ts'
import { lenet5 } from './lenet-5.ts'
import { lenet300100 } from './lenet-300-100.ts'
import { mlpnet } from './mlpnet.ts'
import { mnistMlpBn } from './mnist-mlp-bn.ts'
import { mobilenetV1 } from './mobilenet-v1.ts'
import { mobilenetV2 } from './mobilenet-v2.ts'
import { type Model, type ModelFamily, type ModelOptions, modelOf } from './model.ts'
import { resnet20, resnet20a, resnet32a, resnet56, resnet56a, resnet110, resnet164 } from './resnet-cifar.ts'
import {
  resnet18Imagenet,
  resnet34Imagenet,
  resnet50,
  resnet101Imagenet,
  resnet152Imagenet,
} from './resnet-imagenet.ts'
import { resnet18, resnet34, resnet50Cifar, resnet101Cifar, resnet152Cifar } from './resnet18.ts'
import { bertMini } from './text-encoder.ts'
import { vgg11, vgg13, vgg16, vgg19 } from './vgg.ts'
import { vitTiny } from './vision-transformer.ts'
import { wideResnetNamed, wrn28 } from './wide-resnet.ts'
import { wrn16Gsm, wrn16GsmDropout, wrn28Gsm, wrn28GsmDropout, wrn40Gsm, wrn40GsmDropout } from './wide-resnet-gsm.ts'

/** The built-in networks by name; of the wide residual networks, which exist in any depth, one. */
export const models: Record<string, ModelFamily> = Object.fromEntries(
  [
    lenet300100,
    mlpnet,
    mnistMlpBn,
    lenet5,
    cifarnet,
    cifarQuickBn,
    cnn500k,
    resnet20,
    resnet56,
    resnet110,
    resnet164,
    resnet20a,
    resnet32a,
    resnet56a,
    resnet18,
    resnet34,
    resnet50Cifar,
    resnet101Cifar,
    resnet152Cifar,
    vgg11,
    vgg13,
    vgg16,
    vgg19,
    vgg16Gsm,
    wrn28,
    wrn16Gsm,
    wrn28Gsm,
    wrn40Gsm,
    wrn16GsmDropout,
    wrn28GsmDropout,
    wrn40GsmDropout,
    densenet40,
    mobilenetV1Cifar,
    vitTiny,
    bertMini,
    alexnetBn,
    resnet18Imagenet,
    resnet34Imagenet,
    resnet50,
    resnet101Imagenet,
    resnet152Imagenet,
    mobilenetV1,
    mobilenetV2,
    efficientnetLite0,
  ].map((family) => [family.name, family]),
)

/** The family of that name; undefined where there is none. */
const familyNamed = (name: string): ModelFamily | undefined =>
  Object.hasOwn(models, name) ? models[name] : wideResnetNamed(name)

/** Whether a built-in network has that name. */
export const isModelName = (name: string): boolean => familyNamed(name) !== undefined

/**
 * The built-in network of that name. Throws UserError where there is none, with the nearest name, and where
 * the network does not have one of the options.
 */
export function findModel(name: string, options: ModelOptions = {}): Model {
  const family = familyNamed(name)
  if (family) return modelOf(family, options)
  throw new UserError(`there is no model named ${name}${suggestion(name, Object.keys(models))}`)
}
