/**
 * @file ONNX models in a page: as src/web.ts, for {@link readOnnx}'s result in the place of
 * parseSafetensors'. Needs no Node, and no package either, since the package's files hold what reads ONNX.
 * Values must be inside the file.
 */
export { type OnnxModel, type OnnxWeights, readOnnx } from './formats/onnx/onnx.ts'
