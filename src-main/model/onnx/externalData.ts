import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import { OnnxProblem } from "./onnxProblem.ts";

/** Where weights lie that a file keeps outside of itself. */
export interface ExternalPlace {
  location: string;
  offset: number;
  /** Null reads to the end of the file. */
  length: number | null;
}

/** The folder that an .onnx file lies in, for weights beside it; null when only the bytes of the file are there. */
export class ExternalData {
  private readonly folder: string | null;

  constructor(folder: string | null) {
    this.folder = folder;
  }

  /**
   * Checks that the file beside holds `bytes` bytes at the place and gives what reads them. Throws an OnnxProblem for a place
   * outside of the folder, a missing file or one that is too short.
   */
  open(place: ExternalPlace, bytes: number, owner: string): () => Uint8Array {
    const path = this.locate(place.location, owner);
    const { size } = statSync(path);
    const length = place.length ?? size - place.offset;
    if (length !== bytes)
      throw new OnnxProblem(`${owner}: ${length} bytes in ${place.location} where its shape needs ${bytes}`);
    if (place.offset < 0 || place.offset + length > size)
      throw new OnnxProblem(`${owner}: its data lies behind the end of ${place.location} (${size} bytes)`);
    return () => readPart(path, place.offset, length);
  }

  private locate(location: string, owner: string): string {
    if (this.folder === null)
      throw new OnnxProblem(
        `${owner}: its weights lie in another file, ${location}, which did not come with this one`,
        "Give the path of the .onnx file in its folder, or save the model as one file.",
      );
    const path = resolve(this.folder, location);
    const folder = realpathSync(this.folder);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats && !realpathSync(path).startsWith(folder + sep))
      throw new OnnxProblem(`${owner}: its weights shall lie at ${location}, outside of the file's folder`);
    if (!stats?.isFile())
      throw new OnnxProblem(
        `${owner}: its weights lie in the file ${location}, which is not beside it`,
        "Put that file into the folder of the .onnx file, or save the model as one file.",
      );
    return path;
  }
}

function readPart(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, "r");
  try {
    for (let done = 0; done < length;) {
      const read = readSync(file, bytes, done, length - done, offset + done);
      if (read === 0) throw new OnnxProblem(`${path} became shorter while it was read`);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
