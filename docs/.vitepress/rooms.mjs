// The reference is sorted by the rooms of the library: a name is listed under the folder of src/ that it comes from.

import { CommentTag, Converter, ReflectionKind } from "typedoc";

const rooms = {
  model: "Problems: laws, units, starts",
  process: "Processes",
  study: "Drivers and studies",
  measure: "Measures and distances",
  kernel: "Kernels",
  landscape: "The landscape",
  random: "Random numbers",
  io: "Files",
};
const otherwise = "Engine and errors";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      for (const { comment } of reflection.signatures ?? [reflection]) {
        // typedoc leaves out what is thrown and keeps only when
        for (const { tag, typeAnnotation, content } of comment?.blockTags ?? [])
          if (tag === "@throws" && typeAnnotation)
            content.unshift({ kind: "text", text: `${typeAnnotation.replace(/[{}]/g, "")} ` });
        if (reflection.parent !== project || reflection.kind === ReflectionKind.Module) continue;
        const file = project.getSymbolIdFromReflection(reflection)?.fileName ?? "";
        const room = rooms[/src\/(\w+)\//.exec(file)?.[1]] ?? otherwise;
        comment?.blockTags.push(new CommentTag("@category", [{ kind: "text", text: room }]));
      }
    }
  });
}
