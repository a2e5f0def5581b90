// The reference is sorted by the rooms of the library: a name has its page in, and is listed under, the folder of src/ it comes from.

import { CommentTag, Converter, ReflectionKind } from "typedoc";
import { MemberRouter } from "typedoc-plugin-markdown";

const titles = {
  model: "Problems: laws, units, starts",
  process: "Processes",
  study: "Drivers and studies",
  measure: "Measures and distances",
  kernel: "Kernels",
  landscape: "The landscape",
  random: "Random numbers",
  io: "Files",
  engine: "Engine and errors",
};

/** The folder of src/ that an export is defined in; what stands beside the folders goes with the engine. */
function roomOf(reflection) {
  const file = reflection.project.getSymbolIdFromReflection(reflection)?.fileName ?? "";
  return /src\/(\w+)\//.exec(file)?.[1] ?? "engine";
}

const taken = new Map();

/** Pages room/name. A function and a type that differ by a capital alone share a name on some disks, so the type gets another. */
class RoomRouter extends MemberRouter {
  getReflectionDirectory(reflection) {
    return roomOf(reflection);
  }
  getReflectionFileName(reflection) {
    const name = super.getReflectionFileName(reflection);
    const key = `${roomOf(reflection)}/${name}`.toLowerCase();
    const owner = taken.get(key) ?? taken.set(key, reflection).get(key);
    return owner === reflection ? name : `${name}-type`;
  }
}

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.renderer.defineRouter("rooms", RoomRouter);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      // typedoc leaves out what is thrown and keeps only when
      for (const { tag, typeAnnotation, content } of reflection.comment?.blockTags ?? [])
        if (tag === "@throws" && typeAnnotation)
          content.unshift({ kind: "text", text: `${typeAnnotation.replace(/[{}]/g, "")} ` });
      if (reflection.parent !== project || reflection.kind === ReflectionKind.Module) continue;
      for (const { comment } of reflection.signatures ?? [reflection])
        comment?.blockTags.push(new CommentTag("@category", [{ kind: "text", text: titles[roomOf(reflection)] }]));
    }
  });
}
