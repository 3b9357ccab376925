import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'

interface TarFile {
  readonly name: string
  readonly content: string | Buffer
  readonly mode?: number
  readonly type?: string
}

/** A tar archive of small files, as npm packs them (checksums left out: our reader does not look at them). */
export function tarOf(files: readonly TarFile[]): Buffer {
  const blocks = files.flatMap(({ name, content, mode = 0o644, type = '0' }) => {
    const body = Buffer.from(content)
    const header = Buffer.alloc(512)
    header.write(name, 0, 'latin1')
    header.write(mode.toString(8).padStart(7, '0'), 100, 'latin1')
    header.write(body.length.toString(8).padStart(11, '0'), 124, 'latin1')
    header.write(type, 156, 'latin1')
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

/** A Python wheel: deflated files and the RECORD of their hashes, where `lies` may replace a hash. */
export function wheelOf(
  files: Readonly<Record<string, string>>,
  lies: Readonly<Record<string, string>> = {},
): Buffer {
  const hash = (text: string): string => createHash('sha256').update(text).digest('base64url')
  const rows = Object.entries(files).map(
    ([name, text]) => `${name},sha256=${lies[name] ?? hash(text)},${text.length}`,
  )
  return zipOf({ ...files, 'some-1.0.dist-info/RECORD': `${rows.join('\n')}\n` })
}

function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, text] of Object.entries(files)) {
    const packed = deflateRawSync(text)
    // The local header has an extra field that the directory has not, as real archives do.
    const local = Buffer.alloc(30 + name.length + 4)
    local.write('PK\x03\x04', 'latin1')
    local.writeUInt16LE(name.length, 26)
    local.writeUInt16LE(4, 28)
    local.write(name, 30, 'latin1')
    const central = Buffer.alloc(46 + name.length)
    central.write('PK\x01\x02', 'latin1')
    central.writeUInt16LE(8, 10)
    central.writeUInt32LE(packed.length, 20)
    central.writeUInt32LE(text.length, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(at, 42)
    central.write(name, 46, 'latin1')
    bodies.push(local, packed)
    directory.push(central)
    at += local.length + packed.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt32LE(Buffer.concat(directory).length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...bodies, ...directory, end])
}
