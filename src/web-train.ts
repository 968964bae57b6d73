/**
 * @file What a page can import to train: networks on WebAssembly that learn, are pruned while they learn, and
 * are rewired. Nothing here, or imported from here, needs Node or any package. A page stays responsive where
 * training runs in a worker.
 *
 *     import { findModel, gradualPruning, Network, train } from 'espalier/web/train'
 *     const machine = wasmMachine(await WebAssembly.compileStreaming(fetch('espalier.wasm'))) // espalier/web
 *     const network = new Network({ machine, model: findModel('lenet-300-100'), data, batch: 128 })
 *     const when = { kind: 'cubic', sparsity: 0.95, start: 1000, end: 3000, every: 100 }
 *     const hooks = [gradualPruning({ schedule: when })]
 *     await train(network, { epochs: 10, schedule: { kind: 'constant', base: 0.1 }, hooks })
 */
export type { Dataset, Normalization, SampleSet, Samples, Split } from './data/dataset.ts'
export { encodeSafetensors } from './formats/safetensors-bytes.ts'
export { freezeActive, globalSparseMomentum } from './methods/gsm/rule.ts'
export { gapOf, keepTop } from './methods/gsm/selection.ts'
export { type GradualOptions, gradualPruning, type PruneOptions, type PruneResult, prune } from './methods/prune.ts'
export type { RewiringEvent } from './methods/rewiring/event.ts'
export { RewiringHook, type RewiringOptions, type RewiringSchedule } from './methods/rewiring/hook.ts'
export { type RewiringName, rewirings } from './methods/rewiring/index.ts'
export { smoothedGradients } from './methods/rewiring/smoothed-gradients.ts'
export { type SaliencyName, saliencies } from './methods/saliency/index.ts'
export { Scoring, type ScoringOptions } from './methods/saliency/scoring/scoring.ts'
export { findModel, models } from './models/index.ts'
export type { Model, ModelOptions } from './models/model.ts'
export { learningRate, type RateSchedule } from './optim/schedule.ts'
export type { SgdOptions } from './optim/sgd.ts'
export type { PruningSchedule } from './sparsity/schedule.ts'
export { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from './train/checkpoint.ts'
export type { Evaluation } from './train/evaluation.ts'
export { Network } from './train/network.ts'
export type { NetworkOptions } from './train/options.ts'
export { type EpochResult, type Hook, type StepProgress, type TrainOptions, train } from './train/train.ts'
