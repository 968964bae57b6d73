/**
 * @file Networks of the shapes that people deploy, with weights at random: nothing of them is anybody else's,
 * so that they can be written wherever they are needed. Each is a function from a size, `full` or `small`, to
 * the bytes of an ONNX model.
 */
import { crnn } from './crnn.mjs'
import { miniLm } from './minilm.mjs'
import { mobilenetSsd } from './mobilenet-ssd.mjs'
import { silero } from './silero.mjs'
import { uNet } from './u-net.mjs'
import { vit } from './vit.mjs'
import { whisperEncoder } from './whisper-encoder.mjs'
import { yolo } from './yolo.mjs'

export const shapes = {
  'mobilenet-ssd': mobilenetSsd,
  yolo,
  'u-net': uNet,
  crnn,
  vit,
  minilm: miniLm,
  'whisper-encoder': whisperEncoder,
  silero,
}
