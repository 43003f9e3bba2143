"""How the transcript's page looks: a chat in the dark, as most people have it."""

STYLE = """
body { margin: 0; background: #313338; color: #dbdee1;
  font: 16px/1.4 "gg sans", "Noto Sans", Helvetica, "Noto Color Emoji", sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 24px; color: #f2f3f5; }
h2 { font-size: 18px; color: #f2f3f5; margin: 40px 0 0; padding-top: 20px; border-top: 1px solid #3f4147; }
.about { color: #949ba4; font-size: 14px; margin: 4px 0 12px; }
a { color: #00a8fc; text-decoration: none; }
.message { display: flex; gap: 14px; margin: 16px 0; }
.avatar { flex: none; width: 40px; height: 40px; border-radius: 50%; color: #fff; font-weight: 600;
  display: flex; align-items: center; justify-content: center; background: #5865f2; }
.avatar.alice { background: #eb459e; } .avatar.bob { background: #3ba55c; }
.body { min-width: 0; flex: 1; }
.name { color: #f2f3f5; font-weight: 600; margin-bottom: 2px; }
.app { background: #5865f2; color: #fff; font-size: 10px; border-radius: 3px; padding: 1px 4px; margin-left: 6px;
  vertical-align: 2px; }
.mention { background: #5865f24d; color: #c9cdfb; border-radius: 3px; padding: 0 3px; font-weight: 500; }
.used { color: #949ba4; }
.gap { height: 8px; } .small { color: #949ba4; font-size: 13px; } .item { padding-left: 12px; }
pre { background: #2b2d31; border: 1px solid #1e1f22; border-radius: 4px; padding: 8px 10px; margin: 6px 0;
  font: 14px/1.3 Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
code { background: #2b2d31; border-radius: 3px; padding: 1px 4px; font: 14px Consolas, "DejaVu Sans Mono", monospace; }
img { display: block; max-width: min(100%, 550px); border-radius: 8px; margin-top: 8px; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.button { background: #4e5058; color: #fff; border-radius: 4px; padding: 5px 14px; font-size: 14px; font-weight: 500; }
.thread { border-left: 2px solid #4e5058; margin-left: 20px; padding-left: 20px; }
.thread .title { color: #949ba4; font-size: 14px; font-weight: 600; }
.private { background: #5865f214; border-left: 2px solid #5865f2; padding: 8px 12px; margin: 12px 0 12px 54px; }
.private small { display: block; color: #949ba4; margin-top: 2px; }
.form { background: #2b2d31; border: 1px solid #1e1f22; border-radius: 8px; padding: 14px 18px;
  margin: 12px 0 12px 54px; max-width: 420px; }
.form label { display: block; color: #b5bac1; font-size: 12px; font-weight: 600; margin-top: 8px; }
.form p { background: #1e1f22; border-radius: 3px; padding: 8px 10px; margin: 4px 0 0; }
"""
