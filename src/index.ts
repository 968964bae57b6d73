/**
 * @file The library: everything that is public.
 */
export { type Augmentation, augmentations, drawAugmentation, findAugmentation } from './data/augment.ts'
export { type Dataset, holdOut, type Normalization, type Split } from './data/dataset.ts'
export type { LoadOptions } from './data/formats.ts'
export { type GetOptions, getDataset } from './data/get.ts'
export { datasets, loadDataset } from './data/index.ts'
export { loadMnist } from './data/mnist.ts'
export { findNormalization, normalizations } from './data/normalization.ts'
export type { DataProgress } from './data/progress.ts'
export { type SyntheticOptions, synthetic } from './data/synthetic.ts'
export { compile, type Executable } from './engine/compile.ts'
export type { Arena, EngineName, Floats, Machine } from './engine/machine.ts'
export { type MachineOptions, openMachine } from './engine/machines/open.ts'
export { type DryRun, dryRun } from './experiment/plan/dry-run.ts'
export { checkRecipe, type Recipe, readRecipe } from './experiment/recipe/recipe.ts'
export type { RunEvent, RunOutcome, RunResult } from './experiment/run/events.ts'
export { layerTable, resultTable } from './experiment/run/report.ts'
export { type RunOptions, runRecipe } from './experiment/run/run.ts'
export { runTicket, type TicketOutcome } from './experiment/ticket/run.ts'
export { type OnnxOptions, type StoredNetwork, type Written, writeNetwork } from './formats/network-file.ts'
export type { CompactReport } from './formats/onnx/compact-model.ts'
export { type OnnxModel, readOnnx } from './formats/onnx/onnx.ts'
export { type StoredWeight, type StoredWeights, storedWeights, type Untouched } from './formats/onnx/weights.ts'
export {
  readSafetensors,
  type StoredTensor,
  type TensorFile,
  toFloats,
  writeSafetensors,
} from './formats/safetensors.ts'
export { packSparse, unpackSparse } from './formats/sparse.ts'
export { parseTorch } from './formats/torch/torch.ts'
export { readWeights, type WeightsFile } from './formats/weights-file.ts'
export { differentiate } from './graph/differentiate.ts'
export { Graph, prunableParameters } from './graph/graph.ts'
export type { Node, Operator } from './graph/operator.ts'
export { add, mul, neg, relu, sub } from './graph/operators/elementwise.ts'
export { gemm, linear, matmul } from './graph/operators/linear.ts'
export { crossEntropy, softmax } from './graph/operators/loss.ts'
export { reduceMean } from './graph/operators/mean.ts'
export { flatten, reduceSum, reshape } from './graph/operators/shape.ts'
export type { Shape, Tensor } from './graph/tensor.ts'
export { SparseModel, type SparseModelOptions } from './infer/sparse-model.ts'
export { type PrunedWeight, type PrunedWeights, pruneOnnx } from './methods/by-value/prune-onnx.ts'
export { type PrunedFile, pruneStored, type StoredPruning } from './methods/by-value/prune-stored.ts'
export {
  type LayerwiseOptions,
  type LayerwiseResult,
  type ObcOptions,
  pruneObc,
  pruneSparseGpt,
  type Reconstruction,
  type SparseGptOptions,
} from './methods/layerwise/driver.ts'
export { type GradualOptions, gradualPruning, type PruneOptions, type PruneResult, prune } from './methods/prune.ts'
export {
  type RewiringEvent,
  RewiringHook,
  type RewiringOptions,
  type RewiringSchedule,
} from './methods/rewiring/hook.ts'
export { type RewiringName, type RewiringSettings, rewirings } from './methods/rewiring/index.ts'
export type { Moves, Rewiring, RewiringContext, SparseLayer } from './methods/rewiring/rewiring.ts'
export { type SaliencyName, saliencies } from './methods/saliency/index.ts'
export type { Measured, Saliency, ScoreContext, ScoredLayer, Statistic } from './methods/saliency/saliency.ts'
export type { BatchNormMode } from './methods/saliency/scoring/measurement.ts'
export { Scoring, type ScoringOptions } from './methods/saliency/scoring/scoring.ts'
export { findModel, models } from './models/index.ts'
export type { InitializerName, Model, ModelFamily, ModelOptions } from './models/model.ts'
export { learningRate, type RateSchedule } from './optim/schedule.ts'
export type { SgdOptions } from './optim/sgd.ts'
export { apportion } from './select/apportion.ts'
export { selectTop } from './select/top.ts'
export {
  type Connectivity,
  collapseSentences,
  connectivityOf,
  effectiveSparsity,
  isCollapsed,
  type OnCollapse,
  type PathCount,
} from './sparsity/collapse.ts'
export { type Count, keptCount, truncatedCount } from './sparsity/count.ts'
export { type Floor, parseFloor } from './sparsity/floor.ts'
export { findGranularity, granularities } from './sparsity/granularity/index.ts'
export type { Pattern } from './sparsity/granularity/n-of-m.ts'
export type { RunName } from './sparsity/granularity/runs.ts'
export { collapsedLayers, type LayerCount, sparsityOf } from './sparsity/mask.ts'
export { type Overlap, overlapOf, totalOverlap } from './sparsity/overlap.ts'
export { type PruningEvent, type PruningSchedule, pruningEvents } from './sparsity/schedule.ts'
export { erkDensities, type Scope, type ScopeName, scopes } from './sparsity/scope.ts'
export { sparsitiesOf, tensorwise } from './sparsity/sparsities.ts'
export { chooseTensors, type PrunableSet, prunableSets, type TensorChoice } from './sparsity/tensors.ts'
export type { Tying } from './sparsity/tied.ts'
export { checkpointOf, loadCheckpoint, loadMasks, loadWeights, weightsOf } from './train/checkpoint.ts'
export type { Evaluation } from './train/evaluation.ts'
export { findNetwork, networkOfFile } from './train/find-network.ts'
export type { Kernels, LayerGain } from './train/kernels.ts'
export { type Named, namedAs } from './train/layer-names.ts'
export { Network } from './train/network.ts'
export type { NetworkOptions } from './train/options.ts'
export {
  type EpochResult,
  type Hook,
  type StepProgress,
  type TrainOptions,
  train,
} from './train/train.ts'
export { planTraining, type TrainingPlan } from './train/training-plan.ts'
export { UserError } from './util/errors.ts'
export { Random, random } from './util/random.ts'
