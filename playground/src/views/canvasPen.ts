// A pen on a canvas.

import {
  type Box,
  type Cells,
  FONT,
  type Lettering,
  MARK_OPACITY,
  type Mark,
  markPath,
  type Pen,
  RIM_OPACITY,
  type Stroke,
} from "./pen";

/** A pen whose pixels are those of CSS whatever the canvas has. */
export class CanvasPen implements Pen {
  private readonly context: CanvasRenderingContext2D;
  private readonly tile = document.createElement("canvas");
  private image: ImageData | null = null;
  private readonly sprites = new Map<string, HTMLCanvasElement>();
  private ratio = 1;

  /** @param canvas  to draw on; `begin` gives it its size */
  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d")!;
  }

  /**
   * Empties the canvas.
   *
   * @param width   CSS pixels
   * @param height  CSS pixels
   * @param ratio   pixels of the canvas a CSS pixel
   */
  begin(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      this.canvas.width = columns;
      this.canvas.height = rows;
    }
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, columns, rows);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  rectangle({ x, y, width, height }: Box, colour: string, opacity = 1): void {
    this.context.globalAlpha = opacity;
    this.context.fillStyle = colour;
    this.context.fillRect(x, y, width, height);
    this.context.globalAlpha = 1;
  }

  lines(points: Float32Array, length: number, { colour, width, dash = [] }: Stroke): void {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.setLineDash(dash as number[]);
    context.beginPath();
    this.trace(points, length);
    context.stroke();
  }

  area(outline: Float32Array, length: number, colour: string, opacity = 1): void {
    const { context } = this;
    context.globalAlpha = opacity;
    context.fillStyle = colour;
    context.beginPath();
    this.trace(outline, length);
    context.fill();
    context.globalAlpha = 1;
  }

  marks(points: Float32Array, length: number, mark: Mark, size: number, colour: string, rim: string): void {
    // one mark is drawn, and copied: a path for each takes several times as long
    const sprite = this.sprite(mark, size, colour, rim);
    const side = sprite.width / this.ratio;
    const half = side / 2;
    for (let i = 0; i + 1 < length; i += 2) {
      this.context.drawImage(sprite, points[i]! - half, points[i + 1]! - half, side, side);
    }
  }

  cells({ x, y, width, height }: Box, { columns, rows, colours, palette, smooth }: Cells): void {
    const { context, tile } = this;
    const inner = tile.getContext("2d")!;
    if (!this.image || this.image.width !== columns || this.image.height !== rows) {
      tile.width = columns;
      tile.height = rows;
      this.image = inner.createImageData(columns, rows);
    }
    const words = new Uint32Array(palette.buffer, palette.byteOffset, palette.length / 4);
    const pixels = new Uint32Array(this.image.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = words[colours[i]!]!;
    inner.putImageData(this.image, 0, 0);
    context.imageSmoothingEnabled = smooth;
    context.drawImage(tile, x, y, width, height);
  }

  text(words: string, x: number, y: number, { colour, size = 12, bold, align, from }: Lettering): void {
    const { context } = this;
    context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    context.fillStyle = colour;
    context.textAlign = align === "middle" ? "center" : (align ?? "start");
    context.textBaseline = from === "middle" ? "middle" : "alphabetic";
    context.fillText(words, x, y);
  }

  within({ x, y, width, height }: Box, inside: () => void): void {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    inside();
    this.context.restore();
  }

  private sprite(mark: Mark, size: number, colour: string, rim: string): HTMLCanvasElement {
    const name = `${mark} ${size} ${colour} ${rim} ${this.ratio}`;
    let sprite = this.sprites.get(name);
    if (!sprite) {
      sprite = document.createElement("canvas");
      sprite.width = sprite.height = Math.ceil((1.3 * size + 1.5) * this.ratio);
      const context = sprite.getContext("2d")!;
      context.translate(sprite.width / 2, sprite.height / 2);
      context.scale(this.ratio, this.ratio);
      const path = new Path2D(markPath(mark, size));
      context.globalAlpha = RIM_OPACITY;
      context.strokeStyle = rim;
      context.lineWidth = 1.2;
      context.stroke(path);
      context.globalAlpha = MARK_OPACITY;
      context.fillStyle = colour;
      context.fill(path);
      if (this.sprites.size > 100) this.sprites.clear();
      this.sprites.set(name, sprite);
    }
    return sprite;
  }

  private trace(points: Float32Array, length: number): void {
    let broken = true;
    for (let i = 0; i + 1 < length; i += 2) {
      const [x, y] = [points[i]!, points[i + 1]!];
      if (Number.isNaN(x + y)) broken = true;
      else if (broken) {
        this.context.moveTo(x, y);
        broken = false;
      } else this.context.lineTo(x, y);
    }
  }
}
