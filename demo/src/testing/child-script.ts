// A child for children.test.ts: says that it is ready, then does as its argument says.
const [mode] = process.argv.slice(2);
process.once("disconnect", () => process.exit(0));
process.on("SIGTERM", () => {
  if (mode === "deaf") return;
  console.log("stopped in good order");
  process.exit(0);
});
// Last: who reads this may send signals at once.
console.log(JSON.stringify({ msg: "ready", url: `http://127.0.0.1:1/${process.pid}` }));
if (mode === "fail") throw new Error("broken on purpose");
