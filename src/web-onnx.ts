/**
 * @file ONNX models in a page: as src/web.ts, for {@link readOnnx}'s result in the place of
 * parseSafetensors'. Needs the packages @bufbuild/protobuf and onnx-buf, which a bundler or an import map
 * provides, and no Node. Values must be inside the file.
 */
export { type OnnxModel, type OnnxWeights, readOnnx } from './formats/onnx/onnx.ts'
