// Version of the library, as in package.json (a test holds them equal).

/** Version of the library. */
export const version = "0.1.0";
