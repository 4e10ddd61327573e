use std::fs;

use super::*;

/// A checkout with parts of its own below the test's temporary directory.
struct Checkout {
    root: PathBuf,
}

impl Checkout {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("millrace-parts-{}-{name}", std::process::id()));
        fs::create_dir_all(root.join("e2e/parts")).unwrap();
        Self { root }
    }

    fn part(&self, name: &str, script: &str) -> &Self {
        let dir = self.root.join("e2e/parts").join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("build.sh"), script).unwrap();
        self
    }

    fn plan(&self, names: &[&str]) -> Outcome<Plan> {
        Plan::make(&self.root, &self.root.join("cache"), names)
    }

    fn build(&self, name: &str) -> Outcome<PathBuf> {
        let plan = self.plan(&[name])?;
        for part in plan.parts.iter().filter(|p| !p.built()) {
            build::build(part, &plan, build::Place { at: 1, of: 1, left: &[] }, &Ui::plain())?;
        }
        Ok(plan.get(name).unwrap().out.clone())
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn headers_are_read_up_to_the_first_command() {
    let r = recipe::Recipe::parse(
        "#!/bin/bash\n# about: a thing: small\n# needs: a, b-c\n# debian: gcc\n# debian: make\n\nset -e\n# needs: x\n",
    );
    assert_eq!(r.about, "a thing: small");
    assert_eq!(r.needs, ["a", "b-c"]);
    assert_eq!(r.debian, ["gcc", "make"]);
}

#[test]
fn a_needed_part_comes_first_and_changes_the_hash_of_its_user() {
    let c = Checkout::new("order");
    c.part("low-er", "# about: l\necho 1 > $OUT/x\n").part("up", "# needs: low-er\ncp $PART_LOW_ER/x $OUT/y\n");
    let before = c.plan(&["up"]).unwrap();
    assert_eq!(before.parts.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["low-er", "up"]);
    assert_eq!(fs::read_to_string(c.build("up").unwrap().join("y")).unwrap(), "1\n");
    assert!(c.plan(&["up"]).unwrap().parts.iter().all(Part::built));
    c.part("low-er", "echo 2 > $OUT/x\n");
    assert!(c.plan(&["up"]).unwrap().parts.iter().all(|p| !p.built()));
    assert_eq!(fs::read_to_string(c.build("up").unwrap().join("y")).unwrap(), "2\n");
}

#[test]
fn used_paths_count() {
    let c = Checkout::new("uses");
    c.part("a", "# uses: src\ntrue\n");
    assert!(c.plan(&["a"]).unwrap_err().what.contains("does not exist"));
    fs::create_dir_all(c.root.join("src")).unwrap();
    let one = c.plan(&["a"]).unwrap().parts[0].hash().to_owned();
    fs::write(c.root.join("src/f"), "x").unwrap();
    assert_ne!(one, c.plan(&["a"]).unwrap().parts[0].hash());
}

#[test]
fn a_failed_build_names_its_log_and_leaves_no_output() {
    let c = Checkout::new("fails");
    c.part("bad", "echo before; echo the reason >&2; exit 3\n");
    let failure = c.build("bad").unwrap_err();
    assert!(failure.what.contains("build.log"), "{failure}");
    assert!(failure.why.contains("the reason"), "{failure}");
    let plan = c.plan(&["bad"]).unwrap();
    assert!(!plan.parts[0].built());
    c.part("bad", "touch $OUT/good\n");
    assert!(c.build("bad").unwrap().join("good").exists());
}

#[test]
fn circles_and_unknown_names_are_told() {
    let c = Checkout::new("circle");
    c.part("a", "# needs: b\n").part("b", "# needs: a\n");
    assert!(c.plan(&["a"]).unwrap_err().why.contains("a -> b -> a"));
    assert!(c.plan(&["nothing"]).unwrap_err().what.contains("nothing"));
}

#[test]
fn the_recipes_of_this_checkout_resolve() {
    let repo = repo_root().unwrap();
    let names = recipe::names(&repo).unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let plan = Plan::make(&repo, &std::env::temp_dir(), &names).unwrap();
    for part in &plan.parts {
        assert!(!part.recipe.about.is_empty(), "part {} has no `# about:`", part.name);
    }
}
