import { FederationError } from '#protocol/errors.js'
import { readColors } from './series-look.js'

/** What a colour of a picture means. */
export interface PictureKey {
  readonly label: string
  /** A variable of the page. */
  readonly variable: string
  /** Of lines: strokes and gaps; empty: solid. */
  readonly dash?: readonly number[]
}
export interface PictureFrame {
  readonly title: string
  readonly keys: readonly PictureKey[]
  /** Points of the canvas to a pixel of the page; default: as it stands there. */
  readonly ratio?: number
}

const [PAD, TITLE_ROOM, ROW, KEY_WIDTH, GAP] = [14, 30, 20, 18, 16]
const FAMILY = '"Inter Variable", system-ui, sans-serif'

/** What is on the canvas, on the page's ground, as its letters need it; above it the title, below it what colours mean. */
export async function framedPicture(
  source: HTMLCanvasElement,
  { title, keys, ratio: own }: PictureFrame,
): Promise<Blob> {
  const ratio = own ?? source.width / source.clientWidth
  const width = source.width / ratio
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (context === null)
    throw new FederationError('internal/bug', 'The browser gives no canvas to draw a picture on')
  const keyFont = `400 12px ${FAMILY}`
  context.font = keyFont
  const rows = rowsOf(keys, width, (text) => context.measureText(text).width)
  const height =
    TITLE_ROOM + source.height / ratio + (rows.length === 0 ? 0 : 8) + rows.length * ROW
  canvas.width = Math.round((width + 2 * PAD) * ratio)
  canvas.height = Math.round((height + 2 * PAD) * ratio)
  context.scale(ratio, ratio)
  const colors = readColors(['--surface', '--ink', '--ink-2', ...keys.map((key) => key.variable)])
  context.fillStyle = colors.get('--surface') ?? ''
  context.fillRect(0, 0, width + 2 * PAD, height + 2 * PAD)
  context.textBaseline = 'middle'
  context.fillStyle = colors.get('--ink') ?? ''
  context.font = `600 14px ${FAMILY}`
  context.fillText(title, PAD, PAD + 8, width)
  context.drawImage(source, PAD, PAD + TITLE_ROOM, width, source.height / ratio)
  context.font = keyFont
  for (const [i, row] of rows.entries())
    for (const { x, key } of row) {
      const y = PAD + TITLE_ROOM + source.height / ratio + 8 + i * ROW + ROW / 2
      drawKey(context, [PAD + x, y], { key, colors })
    }
  return blobOf(canvas)
}

interface Placed {
  readonly x: number
  readonly key: PictureKey
}
/** As many beside each other as there is room for. */
function rowsOf(
  keys: readonly PictureKey[],
  width: number,
  measure: (text: string) => number,
): readonly (readonly Placed[])[] {
  const rows: Placed[][] = []
  let end = Infinity
  for (const key of keys) {
    const own = KEY_WIDTH + 6 + measure(key.label)
    if (end + own > width) {
      rows.push([])
      end = 0
    }
    rows.at(-1)?.push({ x: end, key })
    end += own + GAP
  }
  return rows
}

function drawKey(
  context: CanvasRenderingContext2D,
  [x, y]: readonly [number, number],
  { key, colors }: { readonly key: PictureKey; readonly colors: ReadonlyMap<string, string> },
): void {
  const color = colors.get(key.variable) ?? ''
  if (key.dash === undefined) {
    context.fillStyle = color
    context.fillRect(x + 4, y - 5, 10, 10)
  } else {
    context.strokeStyle = color
    context.lineWidth = 2
    context.setLineDash([...key.dash])
    context.beginPath()
    context.moveTo(x, y)
    context.lineTo(x + KEY_WIDTH, y)
    context.stroke()
    context.setLineDash([])
  }
  context.fillStyle = colors.get('--ink-2') ?? ''
  context.fillText(key.label, x + KEY_WIDTH + 6, y)
}

const blobOf = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((resolve, reject) =>
    canvas.toBlob((blob) => {
      if (blob === null) reject(new FederationError('internal/bug', 'The browser made no picture'))
      else resolve(blob)
    }, 'image/png'),
  )
