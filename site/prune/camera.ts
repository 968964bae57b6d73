/** @file Frames of a camera, one by one, where the browser has one and may use it. */
import { UserError } from '../../src/util/errors.ts'

export class Camera {
  readonly #video: HTMLVideoElement
  readonly #stream: MediaStream

  private constructor(video: HTMLVideoElement, stream: MediaStream) {
    this.#video = video
    this.#stream = stream
  }

  /** Throws UserError where there is none, or it may not be used. */
  static async start(): Promise<Camera> {
    if (!navigator.mediaDevices)
      throw new UserError('the camera is there for pages by https or from this machine alone, expected such an address')
    const stream = await navigator.mediaDevices
      .getUserMedia({ video: { facingMode: 'environment' } })
      .catch((error: Error) => {
        throw new UserError(
          error.name === 'NotAllowedError' ? 'the camera may not be used' : `there is no camera: ${error.message}`,
        )
      })
    const video = document.createElement('video')
    video.muted = true
    video.playsInline = true
    video.srcObject = stream
    await video.play()
    return new Camera(video, stream)
  }

  /** The next frame; undefined where it was stopped. */
  async frame(): Promise<ImageBitmap | undefined> {
    await new Promise((resolve) => requestAnimationFrame(resolve))
    return this.#stream.active ? createImageBitmap(this.#video) : undefined
  }

  stop(): void {
    for (const track of this.#stream.getTracks()) track.stop()
    this.#video.srcObject = null
  }
}
