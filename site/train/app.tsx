/** @file The page that trains LeNet-300-100 on MNIST, with its curves, and weights while they vanish. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { duration, grouped, percent } from '../shared/format.ts'
import { Header } from '../shared/header.tsx'
import { NumberField } from '../shared/number-field.tsx'
import { save } from '../shared/save.ts'
import { useHandedFocus } from '../shared/use-handed-focus.ts'
import type { TrainMethod } from '../work/train.ts'
import { Curve, type Point } from './curve.tsx'
import type { Moment, News, Order } from './protocol.ts'
import { Units } from './units.tsx'

type End = Extract<News, { what: 'end' }>

const methods: Record<TrainMethod, { name: string; about: string }> = {
  gradual: {
    name: 'Gradual pruning',
    about: 'The network begins dense and loses its smallest weights from the middle of training on (Zhu & Gupta 2017).',
  },
  rigl: {
    name: 'RigL',
    about:
      'The network is sparse from the first step on; every 50 steps its smallest weights go, and others grow where the gradient is largest (Evci et al. 2020).',
  },
  set: {
    name: 'SET',
    about: 'As RigL, but what grows is drawn at random, so that no dense gradient is needed (Mocanu et al. 2018).',
  },
  gsm: {
    name: 'GSM',
    about:
      'At every step only the most important weights learn, and all others decay until they have all but vanished (Ding et al. 2019). In the end, or when you stop it, the others go.',
  },
}

export function App() {
  const worker = useRef<Worker>(undefined)
  const [method, setMethod] = useState<TrainMethod>('gradual')
  const [percentZeros, setPercentZeros] = useState(95)
  const [running, setRunning] = useState(false)
  const [moment, setMoment] = useState<Moment>()
  const [losses, setLosses] = useState<Point[]>([])
  const [zeros, setZeros] = useState<Point[]>([])
  const [accuracies, setAccuracies] = useState<Point[]>([])
  const [end, setEnd] = useState<End>()
  const [error, setError] = useState('')
  const [status, setStatus] = useState('')

  const hear = (news: News) => {
    if (news.what === 'moment') {
      const { step, steps, loss, sparsity } = news.moment
      setMoment(news.moment)
      setLosses((before) => [...before, { at: step / steps, value: loss }])
      setZeros((before) => [...before, { at: step / steps, value: sparsity }])
    } else if (news.what === 'epoch') {
      setAccuracies((before) => [...before, { at: news.step, value: news.accuracy }])
      setStatus(`Accuracy ${percent(news.accuracy)} after step ${news.step}.`)
    } else if (news.what === 'end') {
      setEnd(news)
      const { step, steps, sparsity, accuracy } = news
      setZeros((before) => [...before, { at: step / steps, value: sparsity }])
      setAccuracies((before) => [...before, { at: step, value: accuracy }])
      setRunning(false)
      setStatus(
        `${news.stopped ? 'Stopped' : 'Trained'} after step ${news.step}: accuracy ${percent(news.accuracy, 2)}.`,
      )
    } else {
      setError(news.message)
      setRunning(false)
    }
  }

  useEffect(() => {
    const own = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    own.onmessage = ({ data }: MessageEvent<News>) => hear(data)
    own.onerror = ({ message }) => hear({ what: 'error', message: `the worker failed: ${message}` })
    worker.current = own
    return () => own.terminate()
  }, [])

  const button = useHandedFocus<HTMLButtonElement>(running)

  const order = (one: Order) => worker.current!.postMessage(one)
  const start = () => {
    setError('')
    setMoment(undefined)
    setEnd(undefined)
    setLosses([])
    setZeros([])
    setAccuracies([])
    setRunning(true)
    setStatus('Training begins.')
    order({ what: 'start', asked: { method, sparsity: percentZeros / 100 } })
  }
  const left = moment && ((moment.steps - moment.step) * 128) / moment.samplesPerSecond
  const steps = moment?.steps ?? 1

  return (
    <>
      <Header page="train" />
      <main class="wide">
        <h1>Train a sparse network</h1>
        <p class="lead">
          LeNet-300-100 learns MNIST's digits here, on 12,000 of its 60,000 images, with a few of its weights in the
          end.
        </p>
        <section aria-label="Training">
          <form
            class="card bar"
            onSubmit={(event) => {
              event.preventDefault()
              if (!running) start()
            }}
          >
            <label for="method">Method</label>
            <select
              id="method"
              aria-describedby="about-method"
              value={method}
              disabled={running}
              onChange={({ currentTarget }) => setMethod(currentTarget.value as TrainMethod)}
            >
              {Object.entries(methods).map(([key, { name }]) => (
                <option key={key} value={key}>
                  {name}
                </option>
              ))}
            </select>
            <label for="zeros">Zeros in the end, in percent</label>
            <NumberField
              id="zeros"
              min="0"
              max="99.5"
              disabled={running}
              value={percentZeros}
              setValue={setPercentZeros}
            />
            {running ? (
              <button
                key="stop"
                ref={button}
                type="button"
                onClick={({ detail }) => detail < 2 && order({ what: 'stop' })}
              >
                Stop
              </button>
            ) : (
              <button
                key="go"
                ref={button}
                type="submit"
                class="main"
                disabled={!(percentZeros >= 0 && percentZeros <= 99.5)}
              >
                {end ? 'Train again' : 'Train'}
              </button>
            )}
            <button
              type="button"
              disabled={!end}
              onClick={() => end && save(end.file, `lenet-300-100.${end.method}.safetensors`)}
            >
              Download
            </button>
            <div class="progress">
              {(running || moment) && (
                <progress
                  max="1"
                  value={end && !end.stopped ? 1 : moment ? moment.step / steps : 0}
                  aria-label="Progress"
                />
              )}
              <span class="soft">
                {running && !moment && 'Loading digits'}
                {running && moment && left !== undefined && (
                  <>
                    {grouped(Math.round(moment.samplesPerSecond))} images a second, about {duration(left)} left
                  </>
                )}
                {end &&
                  `${end.stopped ? 'Stopped' : 'Done'} after ${duration(end.seconds)}: ${percent(end.accuracy, 2)} right with ${percent(end.sparsity)} zeros`}
              </span>
            </div>
          </form>
          <p id="about-method" class="soft about">
            {methods[method].about}
          </p>
          <p class="error" role="alert">
            {error}
          </p>
          <p class="visually-hidden" aria-live="polite">
            {status}
          </p>
        </section>
        <section class="charts" aria-label="Curves">
          <Curve name="Loss" points={losses} most={Math.max(0.5, losses[0]?.value ?? 0)} shown={(x) => x.toFixed(3)} />
          <Curve
            name="Accuracy on test images"
            points={accuracies.map(({ at, value }) => ({ at: at / steps, value }))}
            least={0.8}
            most={1}
            shown={(x) => percent(x, 2)}
          />
          <Curve name="Zeros" points={zeros} most={1} shown={(x) => percent(x)} />
        </section>
        <section aria-labelledby="weights">
          <h2 id="weights">Weights of the first layer</h2>
          <Units weights={end?.weights ?? moment?.weights} />
          <p class="soft">
            Each square holds the 28 × 28 weights of one hidden unit, as they lie over the image: blue above zero, red
            below, gray where a weight is zero.
          </p>
        </section>
      </main>
    </>
  )
}
