//! From a task as it was written to an order for one host, and the way to the agent that takes it.

use std::sync::Arc;

use super::attempt::{Round, plain_text};
use super::connection::{self, Reach, Wanted};
use super::settled;
use super::world::Host;
use crate::diagnostic::Diagnostic;
use crate::plan::{Consent, Failure};
use crate::playbook::Setting;
use crate::protocol::Order;
use crate::template::Scope;
use crate::value::{Map, Value};

impl Round {
    pub(super) fn rendered_arguments(&self, scope: &Scope) -> Result<Value, Diagnostic> {
        let mut args = Map::new();
        for (key, node) in &self.task.call.args.entries {
            if let Some(value) = self.world.templar.optional(node, scope)? {
                args.insert(key.name.clone(), value);
            }
        }
        Ok(Value::Object(args))
    }

    pub(super) fn order(
        &self,
        module: &str,
        args: &Map<String, Value>,
        scope: &Scope,
    ) -> Result<Order, Diagnostic> {
        let settings = &self.world.settings;
        let dry = match &self.task.directives.check_mode {
            Some(setting) => self.setting(setting, scope)?,
            None => settings.dry,
        };
        let mut tokens = settings.consent.clone();
        for node in &self.task.consent {
            tokens.push(plain_text(&self.world.templar.node(node, scope)?));
        }
        let mut environment = Vec::new();
        for node in &self.task.directives.environment {
            match self.world.templar.node(node, scope)? {
                Value::Object(map) => {
                    environment.extend(map.iter().map(|(name, value)| (name.clone(), plain_text(value))));
                }
                other => {
                    let kind = crate::value::kind(&other);
                    return Err(Diagnostic::new(format!("`environment` is a mapping, not {kind}"))
                        .at(&node.span, "gives something else"));
                }
            }
        }
        Ok(Order {
            module: module.to_owned(),
            args: Value::Object(args.clone()).to_string(),
            consent: Consent { act: !dry, tokens },
            environment,
            fresh: false,
            foreseen: Vec::new(),
        })
    }

    pub(super) fn target(&self, host: &Arc<Host>, scope: &Scope) -> Result<Arc<Host>, Diagnostic> {
        match &self.task.directives.delegate_to {
            Some(setting) => Ok(self.world.host(&self.setting(setting, scope)?)),
            None => Ok(Arc::clone(host)),
        }
    }

    pub(super) fn reach(&self, target: &Arc<Host>, scope: &Scope) -> Result<Reach, Failure> {
        let directives = &self.task.directives;
        let told = |diagnostic: Diagnostic| settled::failure(&diagnostic);
        let text = |setting: Option<&Setting<String>>| {
            setting.map(|setting| self.setting(setting, scope)).transpose().map_err(told)
        };
        let wanted = Wanted {
            elevate: directives
                .r#become
                .as_ref()
                .map(|one| self.setting(one, scope))
                .transpose()
                .map_err(told)?,
            user: text(directives.become_user.as_ref())?,
            connection: text(directives.connection.as_ref())?,
            remote_user: text(directives.remote_user.as_ref())?,
            port: match &directives.port {
                Some(port) => {
                    let port = self.setting(port, scope).map_err(told)?;
                    Some(
                        u16::try_from(port)
                            .map_err(|_| Failure::new(format!("`port: {port}` is no port")))?,
                    )
                }
                None => None,
            },
        };
        if let Some(known) = target.agents.known(&wanted) {
            return Ok(known);
        }
        // Another host's connection variables are its own, even while its variables are not looked at otherwise.
        let own = if directives.delegate_to.is_some() { self.scope(target) } else { scope.clone() };
        let reach = connection::reach(target, &wanted, &self.world.settings, &self.world.templar, &own)?;
        target.agents.remember(wanted, reach.clone());
        Ok(reach)
    }
}
