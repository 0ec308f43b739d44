// A button on each block of code that copies it, without the prompt and the output of an example.
document.querySelectorAll("pre > code").forEach((code) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "copy";
  button.addEventListener("click", async () => {
    const lines = code.innerText.split("\n");
    const typed = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
    await navigator.clipboard.writeText((typed.length ? typed : lines).join("\n").trimEnd() + "\n");
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 2000);
  });
  code.parentElement.append(button);
});
