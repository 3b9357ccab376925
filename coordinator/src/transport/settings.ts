import { Decoder, Encoder } from 'socket.io-parser'
import { CHUNK_BYTES } from '#protocol/messages.js'
import { FRAME_SLACK_BYTES } from '#coordinator/ops/operations.js'

/** A message has one attachment at most, the bytes of a frame; the library would take ten. */
class OneAttachmentDecoder extends Decoder {
  constructor() {
    super({ maxAttachments: 1 })
  }
}

/**
 * Nothing that a peer sends makes the server allocate more than one chunk; silent connections do not last: reliability
 * specification §2, reference server settings. What a recovered connection would be spared are the checks of a new one, so
 * there is no recovery (T3); nodes go on by what they know themselves.
 */
export const SOCKET_SETTINGS = {
  transports: ['websocket'],
  allowUpgrades: false,
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
  maxHttpBufferSize: CHUNK_BYTES + FRAME_SLACK_BYTES,
  connectTimeout: 5_000,
  pingInterval: 25_000,
  pingTimeout: 20_000,
  allowEIO3: false,
  parser: { Encoder, Decoder: OneAttachmentDecoder },
} as const
