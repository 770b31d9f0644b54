"""Roundcube's pages as a person walks through them, in the browser of browser.py.

What a click does is Roundcube's own affair: its commands are called where a button
would only call them, so the requests are those that its scripts make.
"""

# Nothing under way: neither in the page nor in the frames that it shows.
SETTLED = """
const calm = (w) => !w.left && w.document.readyState === 'complete' &&
    (!w.rcmail || (!w.rcmail.busy && !(w.$ && w.$.active)));
return calm(window) &&
    [...document.querySelectorAll('iframe')].every((f) => calm(f.contentWindow));
"""
DIALOG = "$('.ui-dialog:visible').last()"


class Webmail:
    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    # --- how a page is used

    def run(self, script, *arguments):
        return self.browser.run(script, *arguments)

    def settle(self):
        self.browser.wait_until(SETTLED)

    def until(self, script, *arguments):
        return self.browser.wait_until(script, *arguments)

    def open(self, query):
        self.browser.open(self.url + query)
        self.settle()

    def command(self, name, *arguments):
        """A button's command, in this page."""
        self.run("rcmail.command(...arguments)", name, *arguments)
        self.settle()

    def leave(self, script, *arguments):
        """Runs what leads to another page, and waits for that."""
        self.run("window.left = true;" + script, *arguments)
        self.settle()

    def answer(self, text=None):
        """The dialog on top: its field gets `text`, its first button is pressed."""
        self.until(f"return {DIALOG}.find('.mainaction:enabled').length")
        if text is not None:
            self.run(f"{DIALOG}.find('input:text, input:not([type])').first().val(arguments[0])", text)
        self.run(f"{DIALOG}.find('.mainaction').first().click()")
        self.settle()

    def frame(self, script, *arguments):
        """Runs a script in the frame of the page's right half, or of its dialog."""
        self.settle()
        found = self.run(
            "const w = $('.ui-dialog:visible iframe, #preferences-frame, #contact-frame, #filter-box, #messagecontframe')"
            f".last()[0].contentWindow; return (function () {{ {script} }}).apply(null, [w, ...arguments]);",
            *arguments,
        )
        self.settle()
        return found

    def fill(self, fields):
        """Fields of the frame's form by their names."""
        self.frame(
            "const w = arguments[0]; for (const [name, value] of Object.entries(arguments[1]))"
            " { const f = w.$(`[name='${name}']`).last();"
            " f.is(':checkbox') ? f.prop('checked', value) : f.val(value); f.trigger('change'); }",
            fields,
        )

    def framed_command(self, *words):
        """A button of the frame that leads to another page in there."""
        self.frame("const w = arguments[0]; w.left = true; w.rcmail.command(...[...arguments].slice(1))", *words)

    def choose(self, selector, *files):
        self.browser.choose_file(selector, "\n".join(str(f) for f in files))

    # --- in and out

    def log_in(self, user, password):
        self.browser.open(self.url)
        self.browser.type("#rcmloginuser", user)
        self.browser.type("#rcmloginpwd", password)
        self.browser.click("#rcmloginsubmit")

    def log_out(self):
        self.browser.click("a.logout")
        self.browser.wait_for("#rcmloginuser")

    def wait_for_inbox(self):
        self.browser.wait_for("#messagelist tbody tr")
        self.settle()

    def introduce(self, name):
        """The dialog of a first log-in."""
        self.until("return $('#newuserdialog:visible').length")
        self.run("$('#newuserdialog [name=_name]').val(arguments[0])", name)
        self.run("$('.ui-dialog:visible .mainaction').click()")
        self.settle()

    # --- folders

    def create_folder(self, name):
        self.command("create-folder")
        self.fill({"_name": name})
        self.framed_command("save")
        self.until("return Object.values(rcmail.env.subscriptionrows).some((r) => r[0] === arguments[0])", name)

    def has_folder(self, name):
        return self.run("return Object.values(rcmail.env.subscriptionrows).some((r) => r[0] === arguments[0])", name)

    def folder_id(self, name):
        """Its name as IMAP spells it."""
        return self.run(
            "return Object.entries(rcmail.env.subscriptionrows).find(([, r]) => r[0] === arguments[0])[0]", name)

    def rename_folder(self, name, to):
        self.run("rcmail.show_folder(arguments[0])", self.folder_id(name))
        self.settle()
        self.fill({"_name": to})
        self.framed_command("save")
        self.until("return Object.values(rcmail.env.subscriptionrows).some((r) => r[0] === arguments[0])", to)

    def delete_folder(self, name):
        self.run("rcmail.delete_folder(arguments[0])", self.folder_id(name))
        self.answer()
        self.until("return !Object.values(rcmail.env.subscriptionrows).some((r) => r[0] === arguments[0])", name)

    # --- lists of messages

    def uid(self, subject):
        return self.until(
            """const rows = Object.values(window.rcmail?.message_list?.rows ?? {});
            return rows.find((row) => row.obj.innerText.includes(arguments[0]))?.uid;""",
            subject,
        )

    def select(self, *subjects):
        """Selected messages; of a single one the preview is loaded."""
        self.mark_rows("message_list", [self.uid(subject) for subject in subjects], "_uid")

    def mark_rows(self, rows, ids, parameter):
        self.run("const list = rcmail[arguments[0]]; list.clear_selection();"
                 "if (arguments.length === 2) list.select(arguments[1]);"
                 "else { for (const id of [...arguments].slice(1)) list.select_row(id, 1, true);"
                 "list.triggerEvent('select'); }", rows, *ids)
        if len(ids) == 1:
            self.wait_for_frame(f"{parameter}={ids[0]}&")
        self.settle()

    def wait_for_frame(self, query):
        """Shown a moment after a click, in case it was the first half of a double one."""
        self.until("const w = $('#contact-frame, #messagecontframe')[0].contentWindow;"
                   "return (w.location.search + '&').includes(arguments[0]) && w.rcmail?.env.action", query)

    def search(self, words):
        self.run("rcmail.gui_objects.qsearchbox.value = arguments[0]; rcmail.command('search')", words)
        self.settle()

    def count(self):
        return self.run("return rcmail.message_list.rowcount")

    # --- a message

    def read(self, subject, folder="INBOX"):
        self.open(f"?_task=mail&_mbox={folder}")
        uid = self.uid(subject)
        self.open(f"?_task=mail&_mbox={folder}&_uid={uid}&_action=show")
        return self.browser.text("#messagebody")

    def attachment(self, name=None):
        self.browser.wait_for("#attachment-list a.filename")
        link = self.run(
            "return [...document.querySelectorAll('#attachment-list a.filename')]"
            ".find((a) => !arguments[0] || a.innerText.includes(arguments[0])).href", name)
        return self.browser.download(f"{link}&_download=1")

    def follow(self, action, parameters="{}"):
        """Another view of the message that is shown, in this window."""
        self.open(self.run(
            f"return rcmail.url(arguments[0], rcmail.params_from_uid(rcmail.env.uid, {parameters})).replace(/^.*\\?/, '?')",
            action))

    # --- writing

    def compose(self, query=""):
        self.open(f"?_task=mail&_action=compose{query}")
        self.until("return location.search.includes('_id=')")
        self.settle()
        # Or the page asks whether the editors are to be changed.
        self.run("rcmail.env.editor_warned = true")

    def address(self, to, subject):
        if to:
            self.browser.type("#compose_to input", to + ",")
        self.run("$('#compose-subject').val(arguments[0])", subject)

    def write(self, text):
        self.run("rcmail.editor.set_content(arguments[0])", text)

    def switch_editor(self, html):
        self.run("rcmail.command('toggle-editor', {id: 'composebody', html: arguments[0]})", html)
        self.until("return (!!rcmail.editor.is_html()) === arguments[0] && (!arguments[0] || tinymce.activeEditor?.initialized)", html)
        self.settle()

    def check_spelling(self):
        """How many words were found wrong."""
        self.run("rcmail.command('spellcheck')")
        self.settle()
        self.until("return $('.googie_link, .googie_edit_layer').length || "
                   "$('#composebody_ifr').contents().find('.mce-spellchecker-word').length")
        count = self.run("return $('.googie_link').length || "
                         "$('#composebody_ifr').contents().find('.mce-spellchecker-word').length")
        self.run("rcmail.editor.spellcheck_stop()")
        self.settle()
        return count

    def attach(self, *files):
        before = self.run("return Object.keys(rcmail.env.attachments).length")
        self.choose("#uploadform input[type=file]", *files)
        self.until("return Object.values(rcmail.env.attachments).filter((a) => a.complete).length === arguments[0]",
                   before + len(files))
        self.settle()

    def send(self):
        self.leave("rcmail.command('send', {})")
        self.until("return rcmail.env.action !== 'compose'")
        self.settle()

    # --- contacts

    def new_contact(self, fields, photo=None):
        self.command("add")
        self.until("return !!document.querySelector('#contact-frame').contentWindow.rcmail?.gui_objects.editform")
        self.fill(fields)
        if photo:
            with self.browser.inside("#contact-frame"):
                self.choose("#upload-form input[type=file]", photo)
            self.until("return $('#contact-frame')[0].contentWindow.$('#ff_photo').val() > ''")
        self.framed_command("save")
        self.until("return !document.querySelector('#contact-frame').contentWindow.rcmail?.gui_objects.editform")
        self.settle()

    def contact_id(self, name):
        return self.until(
            "return Object.values(rcmail.contact_list.rows).find((r) => r.obj.innerText.includes(arguments[0]))?.uid", name)

    def select_contacts(self, *ids):
        self.mark_rows("contact_list", ids, "_cid")

    def import_contacts(self, file, columns=False):
        """The import dialog. A table's columns are confirmed in a second step."""
        self.command("import")
        with self.browser.inside(".ui-dialog iframe"):
            self.choose("#rcmimportfile", file)
        self.answer()
        if columns:
            self.until("return !!$('.ui-dialog iframe')[0].contentWindow.rcmail?.gui_objects.importformmap")
            self.answer()
        self.until("return $('.ui-dialog iframe')[0].contentWindow.rcmail?.env.action === 'import' && "
                   "!$('.ui-dialog iframe').contents().find('form').length")
        self.run(f"{DIALOG}.find('.ui-dialog-titlebar-close').click()")
        self.settle()

    # --- settings

    def remove_row(self, action, rows, name):
        self.open(f"?_task=settings&_action={action}")
        self.until("return Object.values(rcmail[arguments[0]].rows).some((r) => r.obj.innerText.includes(arguments[1]))",
                   rows, name)
        self.run("const list = rcmail[arguments[0]];"
                 "list.select(Object.values(list.rows).find((r) => r.obj.innerText.includes(arguments[1])).uid)", rows, name)
        self.settle()
        self.command("delete")
        self.answer()

    def select_rule(self, name):
        self.until("const rows = Object.values(rcmail.filters_list.rows);"
                   "const row = rows.find((r) => r.obj.innerText.includes(arguments[0]));"
                   "if (row) rcmail.filters_list.select(row.uid); return !!row", name)
        self.until("return $('#filter-box')[0].contentWindow.location.search.includes('_fid=')")
        self.settle()
